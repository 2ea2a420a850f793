internal import Cache
internal import Model

/// The engine's state on its compute thread.
actor EngineCore {
  private let executor: ComputeThread
  private let stepper: Stepper
  private let monitor: RunMonitor
  private let idleWork: IdleWork

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  init(stepper: sending Stepper, monitor: RunMonitor, idleWork: IdleWork) {
    self.stepper = stepper
    self.idleWork = idleWork
    self.monitor = monitor
    executor = ComputeThread(name: "spark-compute")
  }

  func next(_ reply: Reply) throws(EngineError) -> GenerationEvent? {
    if !reply.isMonitored, !reply.isEnded {
      reply.isMonitored = true
      monitor.begin()
      idleWork.begin()
    }
    do {
      let event = try stepper.advance(reply, isCancelled: { Task.isCancelled })
      guard case .finished(var summary)? = event else { return event }
      summary.conditions = endMonitoring(reply)
      return .finished(summary)
    } catch {
      _ = endMonitoring(reply)
      throw error
    }
  }

  func close(_ reply: Reply) {
    _ = endMonitoring(reply)
    stepper.end(reply)
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
