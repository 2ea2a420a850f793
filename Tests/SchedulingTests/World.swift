import Scheduling

/// A scheduler, and beside it what must be true of its requests, kept from the events and plans alone.
///
/// It plays the engine: it does what a plan says, and reports it. Nothing of the scheduler's is looked
/// at but its plans and what `violations()` recounts.
struct World {
  /// What matters here of a request. Without references: it is copied a lot.
  struct Asked {
    var id: UInt64
    var priority: Priority
    var blocks: Int
    var deadline: UInt64?
    var hasDemand: Bool

    init(_ request: Request) {
      (id, priority, blocks) = (request.id, request.priority, request.blocks)
      (deadline, hasDemand) = (request.deadline, request.hasDemand)
    }
  }

  /// What is known of a request.
  struct Known {
    var request: Asked
    var phase = RequestPhase.queued
    var rowsLeft: Int
    /// Tokens that it will generate in truth.
    var tokensLeft: Int
    var served = 0
    var mayPark = false
    /// The plan since which it waits for what comes next.
    var since: Int
    /// The plan since which it has been where it is without demand.
    var idleSince: Int
    /// When it began, among all that did.
    var beginning = 0
    /// Not parked before so much has been served.
    var protection = 0
    /// Whether its blocks hold something that cannot be parked in the middle of.
    var isStubborn = false

    var priority: Priority { request.priority }
    var blocks: Int { request.blocks }
    var isWaiting: Bool { request.hasDemand && (phase == .queued || phase == .parked) }
    var canRead: Bool { request.hasDemand && phase == .running && rowsLeft > 0 }
    var canDecode: Bool { request.hasDemand && phase == .running && rowsLeft == 0 }
    var holds: Bool { phase == .running || phase == .parking || phase == .resuming }
    var isMoving: Bool { phase == .parking || phase == .resuming }
  }

  var scheduler: Scheduler
  /// What the checker takes the limits to be; a mutant's scheduler has others.
  let limits: SchedulerLimits
  var width: Int
  let budget: Int
  var known: [Known] = []
  var pass = 0
  var now: UInt64 = 0
  var beginnings = 0
  /// The most that have begun at one time.
  var mostBegun = 0
  /// The longest that anything ready has waited for a step, in passes.
  var longestUnserved = 0
  var submitted = 0
  var lastID: UInt64 = 0
  /// Ended, cancelled and expired ones.
  var finished = 0
  var faults: [String] = []
  var plan = PassPlan()

  init(width: Int, budget: Int, limits: SchedulerLimits, mutant: SchedulerLimits? = nil) {
    scheduler = Scheduler(width: width, blockBudget: budget, limits: mutant ?? limits)
    self.limits = limits
    (self.width, self.budget) = (width, budget)
  }

  mutating func fail(_ message: String) { faults.append("pass \(pass): \(message)") }

  mutating func recount() {
    for violation in scheduler.violations() { fail(violation) }
  }

  func position(_ id: UInt64) -> Int? { known.firstIndex { $0.request.id == id } }

  // MARK: - Events

  @discardableResult
  mutating func submit(_ request: Request, tokens: Int) -> SubmitAnswer {
    let queued = known.count { $0.phase == .queued }
    let answer = scheduler.submit(request)
    if answer == .queued {
      submitted += 1
      lastID = max(lastID, request.id)
      known.append(
        Known(
          request: Asked(request), rowsLeft: request.promptRows, tokensLeft: tokens, since: pass,
          idleSince: pass))
    }
    if (answer == .full(limit: limits.queue)) != (queued >= limits.queue), !isTooLarge(answer) {
      fail("\(queued) requests were queued and the answer is \(answer)")
    }
    recount()
    return answer
  }

  private func isTooLarge(_ answer: SubmitAnswer) -> Bool {
    if case .tooLarge = answer { true } else { false }
  }

  /// Nobody wants a request any more, wherever it stands, or it is gone already.
  mutating func cancel(_ id: UInt64) {
    scheduler.ended(id)
    if let position = position(id) { forget(position) }
    recount()
  }

  mutating func forget(_ position: Int) {
    finished += 1
    known.remove(at: position)
  }

  mutating func setPriority(_ id: UInt64, _ priority: Priority) {
    scheduler.setPriority(id, to: priority)
    if let position = position(id), known[position].priority != priority {
      known[position].request.priority = priority
      known[position].since = pass
    }
    recount()
  }

  mutating func setDemand(_ id: UInt64, _ hasDemand: Bool) {
    scheduler.setDemand(id, to: hasDemand)
    if let position = position(id), known[position].request.hasDemand != hasDemand {
      known[position].request.hasDemand = hasDemand
      known[position].since = pass
      known[position].idleSince = pass
    }
    recount()
  }

  mutating func setWidth(_ width: Int) {
    scheduler.setWidth(width)
    self.width = width
    recount()
  }

  mutating func setMayPark(_ position: Int, _ mayPark: Bool) {
    guard known[position].mayPark != mayPark else { return }
    scheduler.setMayPark(known[position].request.id, to: mayPark)
    known[position].mayPark = mayPark
  }

  /// A move is done, or refused.
  mutating func finishMove(_ id: UInt64, isRefused: Bool = false) {
    guard let position = position(id) else { return }
    if known[position].phase == .resuming {
      scheduler.resumed(id)
      known[position].phase = .running
    } else if isRefused {
      scheduler.parkRefused(id)
      known[position].phase = .running
      known[position].mayPark = false
    } else {
      scheduler.parked(id)
      known[position].phase = .parked
    }
    known[position].since = pass
    known[position].idleSince = pass
    recount()
  }

  // MARK: - Passes

  /// Asks for a plan, and checks it.
  mutating func ask() {
    pass += 1
    let before = known
    scheduler.plan(at: now, into: &plan)
    adopt()
    check(plan, before: before)
    recount()
  }

  /// Brings what is known to where the plan says.
  mutating func adopt() {
    for id in plan.expired {
      guard let position = position(id) else { continue }
      forget(position)
    }
    for id in plan.park { change(id) { $0.phase = .parking } }
    for id in plan.admit {
      beginnings += 1
      let number = beginnings
      change(id) {
        $0.phase = .running
        $0.beginning = number
        $0.mayPark = false
      }
    }
    for id in plan.resume { change(id) { $0.phase = .resuming } }
    let (pass, limits) = (pass, limits)
    for id in plan.admit + plan.resume {
      change(id) {
        if pass - $0.since >= limits.ageing { $0.protection = $0.served + limits.quantum }
        $0.since = pass
      }
    }
    mostBegun = max(mostBegun, known.count { $0.holds })
  }

  mutating func change(_ id: UInt64, _ body: (inout Known) -> Void) {
    guard let position = position(id) else { return }
    body(&known[position])
  }

  /// Computes what the plan says.
  ///
  /// - Parameter tokens: how many a sequence is given.
  mutating func compute(tokens: () -> Int = { 1 }) {
    for share in plan.prefill {
      guard let position = position(share.id) else { continue }
      scheduler.prefilled(share.id, rows: share.rows)
      known[position].rowsLeft -= share.rows
      known[position].served += share.rows
      known[position].since = pass
      known[position].idleSince = pass
      setMayPark(position, !known[position].isStubborn)
    }
    for id in plan.decode {
      guard let position = position(id) else { continue }
      let count = min(tokens(), known[position].tokensLeft)
      scheduler.token(id, count: count)
      known[position].tokensLeft -= count
      known[position].served += count
      known[position].since = pass
      known[position].idleSince = pass
      if known[position].tokensLeft == 0 {
        scheduler.ended(id)
        forget(position)
      } else {
        setMayPark(
          position, !known[position].isStubborn && known[position].served % Self.blockTokens == 0)
      }
    }
    recount()
  }

  /// A sequence can be parked when so many tokens have filled a block.
  static let blockTokens = 4

  /// One pass of an engine that moves requests at once.
  mutating func step() {
    ask()
    for id in plan.park + plan.resume { finishMove(id) }
    compute()
  }
}
