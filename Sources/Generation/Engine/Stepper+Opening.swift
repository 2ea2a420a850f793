internal import Cascade
internal import Model

/// How replies begin and end.
extension Stepper {
  /// Gives the weights' memory back to the system until something is to be computed.
  ///
  /// - Returns: false while a reply is in progress.
  func unload() -> Bool {
    guard reservedBlocks == 0 else { return false }
    if model.isLoaded { model.unload() }
    draftModel?.unload()
    return true
  }

  func reload() throws(EngineError) {
    guard !model.isLoaded else { return }
    do throws(ModelError) {
      try model.reload(compute: compute)
      try draftModel?.reload()
    } catch {
      throw EngineError(.model, error.message)
    }
  }

  /// Tokens that a reply with a full window may come to hold, and blocks that it may at once.
  func room(for reply: Reply) -> (tokens: Int, blocks: Int) {
    let prompt = reply.prompt.count
    var capacity = contextLength
    if options.window == .full, let limit = reply.options.maxTokens, limit >= 0,
      limit < contextLength - prompt
    {
      capacity = prompt + limit
    }
    let blocks = WorkingMemory.blocks(
      options.window, capacity: capacity, blockLength: pool.layout.blockLength,
      stepTokens: options.prefillChunk)
    return (
      capacity, blocks + blocksOfFurtherBeams(reply, blocks: blocks, capacity: capacity)
    )
  }

  /// Opens a reply: sets aside the KV blocks it may come to need, so that it cannot run short
  /// later, and shows the sampler its prompt.
  func open(_ reply: Reply) throws(EngineError) -> ReplyState {
    let prompt = reply.prompt
    if let wrong = prompt.first(where: { $0 < 0 || Int($0) >= tokenizer.vocabularySize }) {
      throw EngineError(
        .prompt,
        "token \(wrong) is not in the model's vocabulary of \(tokenizer.vocabularySize).")
    }
    let (capacity, blocks) = room(for: reply)
    guard reservedBlocks + blocks <= pool.capacity else {
      throw EngineError(
        .busy,
        "the KV cache has no room beside the replies in progress; wait for one to end, or give the "
          + "engine more memory.")
    }
    try reload()
    reservedBlocks += blocks

    var sampler = Sampler(
      options: samplingOptions(of: reply), vocabularySize: tokenizer.vocabularySize,
      contextLength: contextLength, seed: reply.seed, breakers: breakers(reply.options.sampling))
    for token in prompt { sampler.accept(token) }
    let turnEnds = reply.turnEnds.union(tokenizer.endTokens)
    let memory = SequenceMemory(
      owner: reply.owner, capacity: capacity, stepTokens: options.prefillChunk, turnEnds: turnEnds,
      store: store)
    let asked = asked(in: prompt, turnEnds: turnEnds)
    memory.ask(prompt[asked...], at: asked)
    memory.prepare(prompt, from: reply.sequence)
    return ReplyState(
      memory: memory, sampler: sampler,
      text: ReplyText(
        tokenizer: tokenizer, continuing: reply.isContinuation,
        stopStrings: reply.options.stopStrings),
      reservedBlocks: blocks, beams: beams(for: reply), drafter: drafter(for: reply),
      rows: logitsPerPass,
      quality: QualityMonitor(
        vocabularySize: tokenizer.vocabularySize,
        limit: reply.options.ignoresEndTokens ? nil : lengths.limit))
  }

  /// Where a prompt asks: behind the end of its last turn but for the few tokens that open a reply,
  /// and no further back than four blocks.
  private func asked(in prompt: [TokenID], turnEnds: Set<TokenID>) -> Int {
    let opening = 8
    let end = prompt.dropLast(opening).lastIndex { turnEnds.contains($0) }
    return max(end.map { $0 + 1 } ?? 0, prompt.count - 4 * pool.layout.blockLength)
  }

  /// Ends a reply and gives its blocks back. A second call does nothing.
  package func end(_ reply: Reply) {
    reply.isEnded = true
    guard reply.state != nil else { return }
    keep(&reply.state!, of: reply)
    reservedBlocks -= reply.state!.reservedBlocks
    reply.state = nil
  }

  /// Gives memory what the reply has made. A second call does nothing.
  func keep(_ state: inout ReplyState, of reply: Reply) {
    guard !state.isKept else { return }
    state.isKept = true
    guard isBack(state) else {
      state.leavesNothing = true
      return state.memory.abandon(in: pool)
    }
    leaveUntold(&state, of: reply)
    if let drafter = state.drafter { governor = drafter.governor }
    if state.leavesNothing { return state.memory.drop(in: pool) }
    profile?.begin(.eviction)
    state.memory.end(in: pool)
    store.noteRecalled(by: state.memory, options.consolidation.decay)
    if options.store != nil, reply.options.memory.scope != .none { state.memory.settle() }
    profile?.begin(.other)
  }

  /// The spellings of DRY's sequence breakers; finding them reads the whole vocabulary, so those of
  /// the last options are kept.
  private func breakers(_ sampling: SamplingOptions) -> SequenceBreakers {
    guard sampling.dryMultiplier > 0 else { return .none }
    if let known = knownBreakers, known.texts == sampling.drySequenceBreakers {
      return known.breakers
    }
    let breakers = SequenceBreakers(
      sampling.drySequenceBreakers, vocabularySize: tokenizer.vocabularySize,
      piece: { self.tokenizer.piece($0) },
      encode: { self.tokenizer.encode($0, addSpecial: false) })
    knownBreakers = (sampling.drySequenceBreakers, breakers)
    return breakers
  }
}
