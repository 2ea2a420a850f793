internal import Model

/// The engine's state on its compute thread.
actor EngineCore {
  private let executor: ComputeThread
  private let decoder: Decoder

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  init(decoder: sending Decoder) {
    self.decoder = decoder
    executor = ComputeThread(name: "spark-compute")
  }

  func next(_ reply: Reply) throws(EngineError) -> GenerationEvent? {
    try decoder.advance(reply, isCancelled: { Task.isCancelled })
  }

  func close(_ reply: Reply) { decoder.end(reply) }

  func logits(
    of tokens: [TokenID],
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    try decoder.logits(of: tokens, body)
  }

  func measurePrefill(tokens: Int) throws(EngineError) -> Duration {
    try decoder.measurePrefill(tokens: tokens)
  }

  func measureDecode(tokens: Int) throws(EngineError) -> Duration {
    try decoder.measureDecode(tokens: tokens)
  }
}
