internal import Cascade
internal import Model

/// What consolidation asks of the engine.
extension Stepper {
  /// Reads what stands before a concept's gist and the gist, and gives memory their block.
  ///
  /// - Returns: false when replies in progress leave no room for it.
  func makeGist(_ tokens: [TokenID], of namespace: String) throws(EngineError) -> Bool {
    let blocks = WorkingMemory.blocks(
      options.window, capacity: tokens.count, blockLength: pool.layout.blockLength,
      stepTokens: options.prefillChunk)
    guard reservedBlocks + blocks <= pool.capacity else { return false }
    try reload()
    reservedBlocks += blocks
    defer { reservedBlocks -= blocks }
    let memory = SequenceMemory(
      owner: .concepts(of: namespace), capacity: tokens.count, stepTokens: options.prefillChunk,
      turnEnds: [], store: store)
    memory.prepare(tokens)
    _ = read(tokens, memory, isCancelled: { false })
    memory.end(in: pool)
    if let reason = memory.account.reasonForDropping {
      throw EngineError(.memory, "a concept's keys and values cannot be kept: \(reason)")
    }
    return true
  }
}
