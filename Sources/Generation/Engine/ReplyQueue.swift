internal import Cache
internal import Cascade
internal import Model
internal import Scheduling

/// The replies that have not ended, and which of them go on in the next pass: the scheduler, told what
/// happens to them.
///
/// The compute thread's own.
final class ReplyQueue {
  private var scheduler: Scheduler
  private var plan = PassPlan()
  private var replies: [UInt64: Reply] = [:]
  private var lastID: UInt64 = 0
  /// Whose rows the next pass has, as `next` has found.
  private(set) var turns: [Turn] = []
  /// Passes until a reply may be parked again, once one could not be written down.
  private var parkingPause = 0
  private static let longestParkingPause = 500
  /// Tokens that each of `turns` had before the pass.
  private var counts: [Int] = []

  init(stepper: Stepper) {
    var limits = SchedulerLimits()
    limits.rows = max(2, stepper.rowsPerPass)
    limits.prefillRowsAlone = stepper.options.prefillChunk
    // Running replies keep their pace beside it.
    limits.prefillRowsBesideDecodes = min(128, stepper.options.prefillChunk)
    limits.queue = stepper.options.queueLimit
    scheduler = Scheduler(
      width: stepper.options.maxSequences, blockBudget: stepper.pool.capacity, limits: limits)
  }

  // MARK: - Coming and going

  /// Takes a reply in whose first event somebody waits for.
  func enter(_ reply: Reply, _ stepper: Stepper, at now: UInt64) throws(EngineError) {
    let (options, blocks) = (reply.options, stepper.room(for: reply).blocks)
    lastID += 1
    let length = stepper.layout.blockLength
    // The last token is always read.
    let prefix = stepper.store.root(of: reply.owner)
      .chain(reply.prompt.dropLast(), blockLength: length).map(\.high)
    let answer = scheduler.submit(
      Request(
        id: lastID, namespace: UInt64(naming: options.memory.namespace),
        priority: reply.priority, promptRows: reply.prompt.count,
        expectedTokens: options.maxTokens.flatMap { $0 < 0 ? nil : min($0, 1 << 32) },
        blocks: blocks,
        prefix: prefix,
        deadline: options.deadline.map {
          let (time, isNever) = now.addingReportingOverflow(
            ($0 - (.now - reply.begun)).wholeNanoseconds)
          return isNever ? .max : time
        }))
    switch answer {
    case .queued:
      reply.id = lastID
      replies[lastID] = reply
    case .full(let limit):
      throw EngineError(
        .busy,
        "\(limit) replies are waiting for their turn already; ask again when some have ended, or raise "
          + "queueLimit.")
    case .tooLarge(let most):
      if let beams = options.beams, beams.width > 1 {
        throw EngineError(
          .prompt,
          "a search with \(beams.width) beams behind a prompt of \(reply.prompt.count) tokens may come to "
            + "\(blocks * length) tokens of keys and values, and the KV cache has room for "
            + "\(most * length); ask for fewer beams or tokens, or give the engine more memory.")
      }
      throw EngineError(
        .prompt,
        "the prompt of \(reply.prompt.count) tokens and its reply may come to \(blocks * length) "
          + "tokens, and the KV cache has room for \(most * length); ask for fewer, or give the "
          + "engine more memory.")
    }
  }

  /// A reply has ended, or nobody wants it any more; it holds nothing now.
  func leave(_ reply: Reply) {
    guard let id = reply.id, replies.removeValue(forKey: id) != nil else { return }
    scheduler.ended(id)
  }

  /// Somebody waits for a reply's next event, or nobody does.
  func setDemand(_ reply: Reply, to hasDemand: Bool) {
    if let id = reply.id { scheduler.setDemand(id, to: hasDemand) }
  }

  var isEmpty: Bool { replies.isEmpty }

  func setPriority(of reply: Reply) {
    if let id = reply.id { scheduler.setPriority(id, to: reply.priority) }
  }

  /// A reply has been given a token.
  func noteToken(of reply: Reply) {
    guard let id = reply.id else { return }
    scheduler.token(id)
    scheduler.setMayPark(id, to: parkingPause == 0)
  }

  /// Those that are not wanted any more, and of whom somebody waits to be told so.
  func firstCancelled() -> Reply? {
    replies.values.first { $0.isCancelled && !$0.waiters.isEmpty }
  }

  /// When the next reply is not wanted any more; nil: they all are.
  var nextDeadline: UInt64? { scheduler.nextDeadline }

  // MARK: - Passes

  /// Decides what happens next, does what is to be done before it, and leaves the pass itself in `turns`.
  ///
  /// - Parameters:
  ///   - width: replies that may be decoded together.
  ///   - fail: told of replies that cannot go on.
  ///   - expire: told of those that are past their deadlines.
  /// - Returns: whether anything was decided; if not, nothing changes until something happens.
  func next(
    width: Int, at now: UInt64, on stepper: Stepper,
    fail: (Reply, EngineError) -> Void, expire: (Reply) -> Void
  ) -> Bool {
    scheduler.setWidth(max(1, width))
    scheduler.plan(at: now, into: &plan)
    for id in plan.expired {
      if let reply = replies.removeValue(forKey: id) { expire(reply) }
    }
    for id in plan.park {
      switch stepper.park(replies[id]!) {
      case .done: scheduler.parked(id)
      case .refused: scheduler.parkRefused(id)
      case .failed:
        scheduler.parkRefused(id)
        forbidParking()
      }
    }
    for id in plan.admit {
      let reply = replies[id]!
      do throws(EngineError) {
        try stepper.begin(reply)
        scheduler.setMayPark(id, to: parkingPause == 0)
      } catch {
        leave(reply)
        fail(reply, error)
      }
    }
    for id in plan.resume {
      let reply = replies[id]!
      scheduler.resumed(id)
      do throws(EngineError) {
        try stepper.resume(reply)
      } catch {
        leave(reply)
        fail(reply, error)
      }
    }
    makeTurns(on: stepper)
    return !plan.isEmpty
  }

  private func makeTurns(on stepper: Stepper) {
    turns.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    let decoding = plan.decode.count
    let reading = plan.prefill.reduce(0) { $0 + $1.rows }
    // A few drafted tokens for each, as many as there are rows and logits for.
    let spare = min(
      stepper.rowsPerPass - reading, stepper.logitsPerPass - plan.prefill.count)
    for id in plan.decode { add(id, rows: max(1, spare / decoding)) }
    // Each may come to its prompt's end, and want logits.
    for share in plan.prefill where turns.count < stepper.step.maxLogitRows {
      add(share.id, rows: share.rows)
    }
  }

  private func add(_ id: UInt64, rows: Int) {
    // Nil: it could not begin or come back.
    guard let reply = replies[id] else { return }
    turns.append(Turn(reply, rows: rows))
    counts.append(reply.state?.memory.count ?? 0)
  }

  /// Nothing can be written down where parked replies go, most likely as the disk is full: to try at every
  /// pass would fill it again and again.
  private func forbidParking() {
    parkingPause = Self.longestParkingPause
    for id in replies.keys { scheduler.setMayPark(id, to: false) }
  }

  /// The pass has been made: takes note of the prompts it has read.
  func notePass() {
    if parkingPause > 0 {
      parkingPause -= 1
      if parkingPause == 0 {
        for (id, reply) in replies where reply.state != nil { scheduler.setMayPark(id, to: true) }
      }
    }
    for (turn, count) in zip(turns, counts) {
      let (reply, prompt) = (turn.reply, turn.reply.prompt.count)
      guard let id = reply.id, count < prompt, let memory = reply.state?.memory else { continue }
      scheduler.prefilled(id, rows: min(memory.count, prompt) - count)
    }
  }
}
