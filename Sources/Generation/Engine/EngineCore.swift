internal import Cache
internal import Model
internal import Scheduling

/// The engine's state on its compute thread.
actor EngineCore {
  private let executor: ComputeThread
  let stepper: Stepper
  /// Replies that may be told again.
  nonisolated let memo: ReplyMemo
  private let monitor: RunMonitor
  private let idleWork: IdleWork

  private let replies: ReplyQueue
  /// Replies whose next event somebody waits for.
  private var waiting = 0
  /// Those that were given a token in the last pass and are about to ask for another.
  private var returning: [Reply] = []
  private var isAttending = false
  /// Whether they are being waited for, and how often that has ended.
  private var isAwaiting = false
  private var waits = 0
  private var lastPass = Duration.zero
  /// When deadlines are looked at although nothing happens.
  private var alarm: UInt64?
  private let origin = ContinuousClock.now

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  /// - Parameter processors: those that the compute thread may run on; nil: any.
  init(
    stepper: sending Stepper, monitor: RunMonitor, idleWork: IdleWork, memo: ReplyMemo,
    processors: [Int]?
  ) {
    self.memo = memo
    stepper.store.onForgetting = { memo.removeAll() }
    replies = ReplyQueue(stepper: stepper)
    self.stepper = stepper
    self.idleWork = idleWork
    self.monitor = monitor
    executor = ComputeThread(name: "spark-compute") {
      if let processors { Compute.confineThread(to: processors) }
    }
  }

  // MARK: - Replies

  /// A reply's next event, made together with those of all others that somebody waits for.
  func next(_ reply: Reply) async throws(EngineError) -> GenerationEvent? {
    returning.removeAll { $0 === reply }
    if let event = reply.untold {
      reply.untold = nil
      return event
    }
    if reply.isEnded { return nil }
    if Task.isCancelled { reply.cancel() }
    if reply.id == nil { recall(reply) }
    if reply.replay != nil { return nextOfReplay(reply) }
    if reply.id == nil {
      begin(reply)
      do throws(EngineError) {
        try replies.enter(reply, stepper, at: now)
      } catch {
        _ = endMonitoring(reply)
        reply.isEnded = true
        throw error
      }
    } else if let event = stepper.ready(reply) {
      return note(event, of: reply)
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (waiter: Reply.Waiter) in
        reply.wait(waiter)
        waiting += 1
        replies.setDemand(reply, to: true)
        attend()
      }
    } onCancel: {
      reply.cancel()
      // It may wait for its turn, of which it has no need now.
      Task { await self.attend() }
    }
    return try result.get()
  }

  func close(_ reply: Reply) {
    returning.removeAll { $0 === reply }
    _ = endMonitoring(reply)
    stepper.end(reply)
    replies.leave(reply)
    dismissWaiters(of: reply)
    attend()
  }

  /// Makes a reply more or less urgent.
  func setPriority(_ priority: Priority, of reply: Reply) {
    reply.priority = priority
    replies.setPriority(of: reply)
  }

  private var now: UInt64 { UInt64((ContinuousClock.now - origin) / .nanoseconds(1)) }

  /// Makes the next pass, if all are there who are about to ask for another token: they go on together.
  private func attend() {
    guard waiting > 0, !isAttending else { return }
    while let reply = replies.firstCancelled() { deliver(.success(end(reply)), to: reply) }
    guard waiting > 0 else { return }
    guard returning.isEmpty else { return waitForReturning() }
    isAttending = true
    defer { isAttending = false }
    let hasDecided = replies.next(
      width: min(monitor.width, stepper.options.maxSequences), at: now, on: stepper,
      fail: { reply, error in deliver(.failure(error), to: reply) },
      expire: { reply in deliver(.success(end(reply, because: .deadline)), to: reply) })
    if !replies.turns.isEmpty {
      let begun = ContinuousClock.now
      stepper.advance(replies.turns) { reply, result in
        deliver(result.map { $0.map { note($0, of: reply) } }, to: reply)
      }
      replies.notePass()
      lastPass = ContinuousClock.now - begun
      endWait()
    }
    guard waiting > 0 else { return }
    if hasDecided {
      // Beside whoever else wants something of this thread.
      Task { self.attend() }
    } else {
      wakeAtDeadline()
    }
  }

  /// Goes on without those who do not come back at once: a slow reader slows nobody else.
  private func waitForReturning() {
    guard !isAwaiting else { return }
    isAwaiting = true
    let (wait, patience) = (waits, min(max(lastPass / 8, .microseconds(200)), .milliseconds(5)))
    Task {
      try? await Task.sleep(for: patience)
      guard wait == self.waits else { return }
      self.endWait()
      self.returning.removeAll(keepingCapacity: true)
      self.attend()
    }
  }

  private func endWait() {
    isAwaiting = false
    waits += 1
  }

  private func wakeAtDeadline() {
    guard let deadline = replies.nextDeadline, alarm != deadline else { return }
    alarm = deadline
    Task {
      try? await Task.sleep(until: self.origin + .nanoseconds(Int64(clamping: deadline)))
      self.alarm = nil
      self.attend()
    }
  }

  /// Ends a reply that has not come to its end.
  private func end(_ reply: Reply, because reason: StopReason = .cancelled) -> GenerationEvent {
    note(.finished(stepper.finish(reply, because: reason)), of: reply)
  }

  /// Takes note of what a reply has come to.
  private func note(_ event: GenerationEvent, of reply: Reply) -> GenerationEvent {
    switch event {
    case .token(let token):
      replies.noteToken(of: reply)
      reply.recording?.append(token)
      if reply.waiters.count <= 1 { returning.append(reply) }
      return event
    case .finished(var summary):
      replies.leave(reply)
      summary.conditions = endMonitoring(reply)
      memoize(reply, summary)
      return .finished(summary)
    }
  }

  private func deliver(_ result: Result<GenerationEvent?, EngineError>, to reply: Reply) {
    if case .failure = result {
      stepper.end(reply)
      replies.leave(reply)
      _ = endMonitoring(reply)
    }
    guard let waiter = reply.takeWaiter() else {
      // Its deadline has passed while nobody looked.
      if case .success(let event) = result { reply.untold = event }
      return
    }
    waiting -= 1
    if reply.waiters.isEmpty { replies.setDemand(reply, to: false) }
    waiter.resume(returning: result)
    if reply.isEnded { dismissWaiters(of: reply) }
  }

  /// Tells all others who wait for an event of a reply that there is none.
  private func dismissWaiters(of reply: Reply) {
    while let waiter = reply.takeWaiter() {
      waiting -= 1
      waiter.resume(returning: .success(nil))
    }
  }

  private func begin(_ reply: Reply) {
    reply.isMonitored = true
    monitor.begin()
    idleWork.begin()
  }

  private func endMonitoring(_ reply: Reply) -> RunConditions? {
    guard reply.isMonitored else { return nil }
    reply.isMonitored = false
    let memory = reply.options.memory
    let isForLater = stepper.options.consolidation.isAutomatic && memory.scope == .namespace
    idleWork.end(leaving: isForLater ? memory.namespace : nil) { [weak self] namespace, rest in
      // A store that fails here fails the next reply's flush too, which tells; a catalog that does is
      // told of by whoever asks for what is in it.
      _ = try? await self?.consolidate(namespace, rest: rest)
    }
    return monitor.end()
  }

  /// The same, for those who ask for it: the engine does not begin by itself meanwhile.
  nonisolated func consolidateNow(
    _ namespace: String, onProgress: @Sendable (_ done: Int, _ total: Int) -> Void
  ) async throws(EngineError) -> ConsolidationReport {
    idleWork.begin()
    defer { idleWork.end(leaving: nil) { _, _ in } }
    return try await consolidate(namespace, onProgress: onProgress)
  }

  func unload() -> Bool { replies.isEmpty && stepper.unload() }

  var memory: MemoryKeeper { stepper.memory }

  /// What the engine was made with.
  var options: EngineOptions { stepper.options }

  func makeGist(_ tokens: [TokenID], of namespace: String) throws(EngineError) -> Bool {
    try stepper.makeGist(tokens, of: namespace)
  }

  func logits(
    of tokens: [TokenID], memory: MemoryOptions,
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    try stepper.logits(of: tokens, memory: memory, isCancelled: { Task.isCancelled }, body)
  }

  func logitsWhenGenerated(
    of tokens: [TokenID],
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>, _ depth: Int) throws -> Void
  ) throws -> Duration {
    try stepper.logitsWhenGenerated(of: tokens, isCancelled: { Task.isCancelled }, body)
  }

  func withMemory<R: Sendable, E: Error>(
    _ body: @Sendable (MemoryKeeper) throws(E) -> R
  ) throws(E) -> R {
    try body(stepper.memory)
  }

  /// Checks passage by passage, and lets replies go on in between.
  func checkMemory(in namespace: String?) async throws(EngineError) -> MemoryCheck {
    var check = MemoryCheck()
    for identity in try stepper.memory.beginCheck(of: namespace) {
      check.isCancelled = Task.isCancelled
      if check.isCancelled { break }
      stepper.memory.check(identity, &check)
      await Task.yield()
    }
    stepper.memory.endCheck(&check)
    return check
  }

  var layout: KVLayout { stepper.layout }

  var memoryUse: MemoryUse { stepper.memoryUse(replies: memo.statistics) }

  func embedding(of tokens: [TokenID], pooling: EmbeddingPooling) throws -> [Float] {
    try stepper.embedding(of: tokens, pooling: pooling, isCancelled: { Task.isCancelled })
  }

  func cachedBlocks(of tokens: [TokenID]) throws -> [UInt8] {
    try stepper.cachedBlocks(of: tokens, isCancelled: { Task.isCancelled })
  }

  func logits(
    of tokens: [TokenID], after blocks: [UInt8],
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    try stepper.logits(of: tokens, after: blocks, isCancelled: { Task.isCancelled }, body)
  }

  func probeAttention<Result: Sendable>(
    of tokens: [TokenID], _ body: @Sendable (AttentionProbe) throws -> Result
  ) throws -> Result {
    try stepper.probeAttention(of: tokens, isCancelled: { Task.isCancelled }, body)
  }

  func measurePrefill(tokens: Int) throws(EngineError) -> Duration {
    try stepper.measurePrefill(tokens: tokens)
  }

  func measureDecode(tokens: Int) throws(EngineError) -> Duration {
    try stepper.measureDecode(tokens: tokens)
  }

  func measureVerification(
    rows: Int, passes: Int, context: Int
  ) throws(EngineError) -> Duration {
    try stepper.measureVerification(rows: rows, passes: passes, context: context)
  }

  func time(
    _ work: TimedWork, behind depth: Int, threads: Int
  ) throws(EngineError) -> WorkTimes {
    try stepper.time(work, behind: depth, threads: threads)
  }
}
