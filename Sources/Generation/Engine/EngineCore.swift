internal import Cache
internal import Model

/// The engine's state on its compute thread.
actor EngineCore {
  private let executor: ComputeThread
  private let stepper: Stepper
  private let monitor: RunMonitor
  private let idleWork: IdleWork

  /// Replies whose next event somebody waits for, in the order in which they asked.
  private var waiting: [Reply] = []
  /// Those that were given a token in the last pass and are about to ask for another.
  private var returning: [Reply] = []
  private var turns: [Turn] = []
  private var isAttending = false
  private var passes = 0
  /// The pass after which somebody was waited for.
  private var awaited = -1
  private var lastPass = Duration.zero

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  init(stepper: sending Stepper, monitor: RunMonitor, idleWork: IdleWork) {
    self.stepper = stepper
    self.idleWork = idleWork
    self.monitor = monitor
    executor = ComputeThread(name: "spark-compute")
  }

  // MARK: - Replies

  /// A reply's next event, made together with those of all others that somebody waits for.
  func next(_ reply: Reply) async throws(EngineError) -> GenerationEvent? {
    if !reply.isMonitored, !reply.isEnded {
      reply.isMonitored = true
      monitor.begin()
      idleWork.begin()
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (waiter: Reply.Waiter) in
        reply.waiter = waiter
        waiting.append(reply)
        returning.removeAll { $0 === reply }
        attend()
      }
    } onCancel: {
      reply.cancel()
    }
    return try result.get()
  }

  func close(_ reply: Reply) {
    returning.removeAll { $0 === reply }
    _ = endMonitoring(reply)
    stepper.end(reply)
    attend()
  }

  /// Makes the next pass, if all are there who are about to ask for another token: they go on together.
  private func attend() {
    guard !waiting.isEmpty, !isAttending else { return }
    guard returning.isEmpty else { return waitForReturning() }
    isAttending = true
    defer { isAttending = false }
    plan()
    let begun = ContinuousClock.now
    stepper.advance(turns) { reply, result in deliver(result, to: reply) }
    lastPass = ContinuousClock.now - begun
    passes += 1
    // Beside whoever else wants something of this thread.
    if !waiting.isEmpty { Task { self.attend() } }
  }

  /// Goes on without those who do not come back at once: a slow reader slows nobody else.
  private func waitForReturning() {
    guard awaited != passes else { return }
    awaited = passes
    let (pass, patience) = (passes, min(max(lastPass / 8, .microseconds(200)), .milliseconds(5)))
    Task {
      try? await Task.sleep(for: patience)
      guard pass == self.passes else { return }
      self.returning.removeAll(keepingCapacity: true)
      self.attend()
    }
  }

  /// Whose rows the next pass has: as many replies as the governor lets be decoded together, those that
  /// waited longest first, and one prompt.
  private func plan() {
    turns.removeAll(keepingCapacity: true)
    var rows = stepper.rowsPerPass
    let decoding = waiting.lazy.filter { !$0.isReading }
    let width = min(monitor.width, rows, decoding.count)
    // A few drafted tokens for each; the pass has room for the logits of no more.
    let most = width > 0 ? max(1, (stepper.logitsPerPass - 1) / width) : 0
    for reply in decoding.prefix(width) { turns.append(Turn(reply, rows: most)) }
    rows -= width * most
    if let reply = waiting.first(where: \.isReading), rows > 0 {
      // Running replies keep their pace beside it.
      turns.append(
        Turn(reply, rows: width > 0 ? min(rows, Self.rowsBesideDecoding) : rows))
    }
  }

  /// Rows of a prompt that are read in a pass that also decodes.
  private static let rowsBesideDecoding = 128

  private func deliver(_ result: Result<GenerationEvent?, EngineError>, to reply: Reply) {
    waiting.removeAll { $0 === reply }
    var result = result
    switch result {
    case .success(.token): returning.append(reply)
    case .success(.finished(var summary)):
      summary.conditions = endMonitoring(reply)
      result = .success(.finished(summary))
    case .success(nil), .failure: _ = endMonitoring(reply)
    }
    let waiter = reply.waiter
    reply.waiter = nil
    waiter?.resume(returning: result)
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

  func unload() -> Bool { stepper.unload() }

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
}
