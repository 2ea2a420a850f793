internal import Model

/// The engine's state on its compute thread.
actor EngineCore {
  private let executor: ComputeThread
  private let stepper: Stepper

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  init(stepper: sending Stepper) {
    self.stepper = stepper
    executor = ComputeThread(name: "spark-compute")
  }

  func next(_ reply: Reply) throws(EngineError) -> GenerationEvent? {
    try stepper.advance(reply, isCancelled: { Task.isCancelled })
  }

  func close(_ reply: Reply) { stepper.end(reply) }

  func logits(
    of tokens: [TokenID],
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    try stepper.logits(of: tokens, isCancelled: { Task.isCancelled }, body)
  }

  func measurePrefill(tokens: Int) throws(EngineError) -> Duration {
    try stepper.measurePrefill(tokens: tokens)
  }

  func measureDecode(tokens: Int) throws(EngineError) -> Duration {
    try stepper.measureDecode(tokens: tokens)
  }
}
