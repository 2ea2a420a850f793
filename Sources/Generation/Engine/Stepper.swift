package import Cache
internal import Cascade
internal import FoundationEssentials
internal import Hardware
package import Model

/// The synchronous heart of the engine: feeds sequences through the forward pass, one step at a
/// time, and samples.
///
/// Everything is reserved in `init` and `open`; `advance` allocates nothing once a sequence's
/// prompt has been read, except for reported log-probabilities and texts longer than 15 bytes.
/// Not thread-safe: one thread owns it.
package final class Stepper {
  package let model: LanguageModel
  let tokenizer: Tokenizer
  let options: EngineOptions
  /// Tokens that a sequence may come to hold: the full window's end.
  package let contextLength: Int

  let pool: KVBlockPool
  let step: Step
  let pass: ForwardPass
  let plan: RecallPlan
  let store: EpisodeStore
  /// Nil when nothing is ever recalled.
  let recaller: Recaller?
  let clock = ContinuousClock()
  let compute: Compute
  let pace: Pace?
  private var lastStep = Duration.zero
  /// What passes of several rows cost, over all replies.
  var costs = PassCosts()
  /// What the last reply's drafts were worth.
  var governor = DraftGovernor()
  var reservedBlocks = 0
  private var knownBreakers: (texts: [String], breakers: SequenceBreakers)?

  /// - Parameters:
  ///   - pace: how hard to work; nil: as hard as can be.
  ///   - storeOptions: what memory may take of the machine.
  ///   - now: seconds since 1970, for what is remembered.
  package init(
    model: LanguageModel, tokenizer: Tokenizer, compute: Compute, options: EngineOptions,
    pace: Pace? = nil, storeOptions: StoreOptions = StoreOptions(),
    now: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) }
  ) throws {
    let shape = model.shape
    let layout = KVLayout(
      layers: shape.layers, kvHeads: shape.kvHeads, headDimension: shape.headDimension,
      blockLength: options.blockLength, type: options.keyValueType)
    guard tokenizer.vocabularySize <= shape.vocabularySize else {
      throw ModelError(
        "\(model.file.name): the tokenizer has \(tokenizer.vocabularySize) tokens but the "
          + "embedding only \(shape.vocabularySize) rows; the file mixes two models.")
    }
    self.model = model
    self.tokenizer = tokenizer
    self.options = options
    self.compute = compute
    self.pace = pace
    contextLength = options.contextLength ?? shape.contextLength

    let blocks = WorkingMemory.blocks(
      options.window, capacity: contextLength, blockLength: layout.blockLength,
      stepTokens: options.prefillChunk)
    pool = try KVBlockPool(layout: layout, capacity: blocks * options.maxSequences)
    plan = RecallPlan(
      window: options.window, sinks: options.sinks, options: options.recall,
      blockLength: layout.blockLength, shape: shape)
    // A chunk is cut into one run for each slide of the window and each new choice of blocks, each
    // with a view of its own.
    let cut = plan.rooms > 0 ? min(layout.blockLength, plan.options.every) : layout.blockLength
    let runs = options.window == .full ? 1 : 2 * options.prefillChunk / cut + 2
    step = try Step(
      maxRows: options.prefillChunk, maxLogitRows: min(options.prefillChunk, 32),
      maxSpans: runs * (blocks + plan.rooms + 2))
    pass = try ForwardPass(
      model: model, compute: compute, layout: layout, step: step,
      maxPositions: WorkingMemory.positions(
        options.window, sinks: options.sinks, capacity: contextLength,
        blockLength: layout.blockLength) + plan.rooms * layout.blockLength)
    do {
      store = try EpisodeStore(
        layout: layout, plan: plan, model: model, rope: pass.rope,
        rarity: tokenizer.rarity(passageLength: layout.blockLength), marks: tokenizer.marks,
        directory: options.store, options: storeOptions, now: now)
    } catch {
      throw EngineError(.machine, error.message)
    }
    recaller =
      plan.rooms > 0 ? Recaller(plan: plan, pool: pool, rope: pass.rope, compute: compute) : nil
    pass.views = recaller
  }

  /// What is remembered, apart from replies.
  var memory: MemoryKeeper {
    MemoryKeeper(store: store, tokenizer: tokenizer, consolidation: options.consolidation)
  }

  /// What keeps blocks.
  var tiers: TieredStore { store.tiers }

  // MARK: - Beginning and ending

  /// Gives the weights' memory back to the system until something is to be computed.
  ///
  /// - Returns: false while a reply is in progress.
  func unload() -> Bool {
    guard reservedBlocks == 0 else { return false }
    if model.isLoaded { model.unload() }
    return true
  }

  func reload() throws(EngineError) {
    guard !model.isLoaded else { return }
    do throws(ModelError) {
      try model.reload(compute: compute)
    } catch {
      throw EngineError(.model, error.message)
    }
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
    var capacity = contextLength
    if options.window == .full, let limit = reply.options.maxTokens, limit >= 0,
      limit < contextLength - prompt.count
    {
      capacity = prompt.count + limit
    }
    let blockLength = pool.layout.blockLength
    let blocks = WorkingMemory.blocks(
      options.window, capacity: capacity, blockLength: blockLength,
      stepTokens: options.prefillChunk)
    guard reservedBlocks + blocks <= pool.capacity else {
      throw EngineError(
        .busy,
        "the KV cache has no room for another reply beside those in progress; wait for one to "
          + "end, or raise maxSequences.")
    }
    try reload()
    reservedBlocks += blocks

    var sampler = Sampler(
      options: reply.options.sampling, vocabularySize: tokenizer.vocabularySize,
      contextLength: contextLength, seed: reply.seed, breakers: breakers(reply.options.sampling))
    for token in prompt { sampler.accept(token) }
    let turnEnds = reply.turnEnds.union(tokenizer.endTokens)
    let memory = SequenceMemory(
      owner: MemoryOwner(
        scope: reply.options.memory.scope, namespace: reply.options.memory.namespace,
        session: reply.options.memory.session ?? reply.ownSession,
        explains: reply.options.memory.explains),
      capacity: capacity, stepTokens: options.prefillChunk, turnEnds: turnEnds, store: store)
    let asked = asked(in: prompt, turnEnds: turnEnds)
    memory.ask(prompt[asked...], at: asked)
    memory.prepare(prompt, from: reply.sequence)
    return ReplyState(
      memory: memory, sampler: sampler,
      text: ReplyText(
        tokenizer: tokenizer, continuing: reply.isContinuation,
        stopStrings: reply.options.stopStrings),
      reservedBlocks: blocks, drafter: drafter(for: reply), rows: step.maxLogitRows)
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
  private func keep(_ state: inout ReplyState, of reply: Reply) {
    guard !state.isKept else { return }
    state.isKept = true
    leaveUntold(&state, of: reply)
    if let drafter = state.drafter { governor = drafter.governor }
    state.memory.end(in: pool)
    store.noteRecalled(by: state.memory, options.consolidation.decay)
    if options.store != nil, reply.options.memory.scope != .none { state.memory.settle() }
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

  // MARK: - Steps

  /// The reply's next event; nil after its summary. `isCancelled` is asked before each pass.
  package func advance(
    _ reply: Reply, isCancelled: () -> Bool
  ) throws(EngineError) -> GenerationEvent? {
    if reply.isEnded { return nil }
    if reply.state == nil {
      do {
        reply.state = try open(reply)
      } catch {
        reply.isEnded = true
        throw error
      }
    }
    // Moved out and back, so that nothing in it is copied when it changes.
    var state = reply.state.take()!
    let event: GenerationEvent
    do {
      event = try advance(&state, of: reply, isCancelled: isCancelled)
    } catch {
      reply.state = consume state
      end(reply)
      throw error
    }
    reply.state = consume state
    if case .finished = event { end(reply) }
    return event
  }

  private func advance(
    _ state: inout ReplyState, of reply: Reply, isCancelled: () -> Bool
  ) throws(EngineError) -> GenerationEvent {
    let isSampled = !state.sampled.isEmpty
    if state.stopReason == nil {
      if state.generated > 0, !isSampled { pace?.rest(after: lastStep, isCancelled: isCancelled) }
      if isCancelled() { state.stopReason = .cancelled }
    }
    if state.stopReason == nil {
      if let pace { compute.use(threads: pace.threads) }
      let begun = clock.now
      if isSampled {
        // An earlier pass has checked a draft, and this token with it.
      } else if state.generated > 0 {
        state.memory.isReading = false
        try decode(&state, of: reply)
      } else if read(
        reply.prompt, state.memory, isCancelled: isCancelled, onProgress: reply.onPrefill)
      {
        state.prefillDuration = clock.now - begun
        // Nothing is to be said, but what was read is read.
        if reply.options.maxTokens == 0 { state.stopReason = .length }
        if state.stopReason == nil { _ = try sample(&state, of: reply) }
      } else {
        state.stopReason = .cancelled
      }
      if state.stopReason == nil {
        let token = tell(&state, of: reply)
        let duration = clock.now - begun
        if state.generated == 1 {
          state.timeToFirstToken = begun + duration - reply.begun
        } else {
          state.decodeDuration += duration
          if !isSampled { lastStep = duration }
          pace?.noteToken(
            duration,
            reading: isSampled || state.rows.count > 1
              ? nil
              : model.weightByteCount + state.memory.heldBlocks * pool.layout.blockByteCount)
        }
        return .token(token)
      }
    }
    return .finished(summary(of: &state, of: reply))
  }

  /// Reads a prompt in chunks; its last token's logits are then the pass's first. False when
  /// cancelled on the way.
  ///
  /// - Parameter onProgress: see `Engine.stream`.
  func read(
    _ prompt: [TokenID], _ memory: SequenceMemory, isCancelled: () -> Bool,
    onProgress: (Int) -> Void = { _ in }
  ) -> Bool {
    var isFirst = true
    while memory.count < prompt.count {
      if memory.restore(prompt, in: pool) {
        onProgress(memory.count)
        continue
      }
      if !isFirst {
        pace?.rest(after: lastStep, isCancelled: isCancelled)
        if isCancelled() { return false }
        if let pace { compute.use(threads: pace.threads) }
      }
      isFirst = false
      let begun = clock.now
      let start = memory.count
      let end = min(
        start + options.prefillChunk, prompt.count, memory.nextRestorable ?? prompt.count)
      run(prompt.span.extracting(start..<end), memory, logits: end == prompt.count ? 1 : 0)
      lastStep = clock.now - begun
      pace?.noteChunk(lastStep)
      // A few rows cost about as much as one.
      if end - start >= 16 { store.costs.note(read: end - start, lastStep) }
      onProgress(end)
    }
    return true
  }

  func run(_ tokens: Span<TokenID>, _ memory: SequenceMemory, logits: Int) {
    runOnTrial(tokens, memory, logits: logits)
    memory.slide(in: pool)
  }

  /// The same for tokens that may be taken back before the window slides past them.
  func runOnTrial(_ tokens: Span<TokenID>, _ memory: SequenceMemory, logits: Int) {
    pass.prepare(
      positions: WorkingMemory.positions(
        options.window, sinks: options.sinks, capacity: memory.count + tokens.count,
        blockLength: pool.layout.blockLength) + plan.rooms * pool.layout.blockLength)
    step.clear()
    let hasRoom = memory.append(tokens, to: step, from: pool, logits: logits)
    precondition(hasRoom, "a reply outgrew the blocks set aside for it")
    recaller?.attend(to: memory)
    pass.run()
  }

  /// Tells the next sampled token: its text, and whether the reply ends with it.
  private func tell(_ state: inout ReplyState, of reply: Reply) -> GeneratedToken {
    let sampled = state.sampled.take()
    let token = sampled.id
    if state.generated > 0 { state.drafter?.noteTold(isDraft: sampled.isDraft) }
    state.generated += 1
    state.lastToken = token
    state.stopReason = reasonToStop(state, reply, after: token)

    let text: String
    switch state.stopReason {
    case .endOfText: text = state.text.finish()
    case .some: text = state.text.appendLast(token)
    case nil: text = state.text.append(token)
    }
    if state.text.hasStopped { state.stopReason = .stopString }
    if state.sampled.isEmpty { state.memory.slide(in: pool) }
    return GeneratedToken(id: token, text: text, logprobs: sampled.logprobs)
  }

  func isEnd(_ token: TokenID, of reply: Reply) -> Bool {
    !reply.options.ignoresEndTokens
      && (tokenizer.endTokens.contains(token) || reply.turnEnds.contains(token))
  }

  private func reasonToStop(
    _ state: ReplyState, _ reply: Reply, after token: TokenID
  ) -> StopReason? {
    if isEnd(token, of: reply) { return .endOfText }
    if let limit = reply.options.maxTokens, limit >= 0, state.generated >= limit { return .length }
    // The last token needs no place: nothing is generated after it.
    if options.window == .full, told(state, of: reply) >= contextLength { return .contextFull }
    return nil
  }

  private func summary(of state: inout ReplyState, of reply: Reply) -> GenerationSummary {
    leaveUntold(&state, of: reply)
    let memory = ProcessMemory()
    let keyValueBytes = state.memory.heldBlocks * pool.layout.blockByteCount
    let evicted = state.memory.evicted
    keep(&state, of: reply)
    return GenerationSummary(
      stopReason: state.stopReason!, trailingText: state.text.finish(),
      promptTokens: reply.prompt.count,
      generatedTokens: state.generated, evictedTokens: evicted,
      prefillDuration: state.prefillDuration, decodeDuration: state.decodeDuration,
      timeToFirstToken: state.timeToFirstToken, seed: reply.seed,
      residentBytes: memory.resident, peakBytes: memory.peak,
      keyValueBytes: keyValueBytes, memory: state.memory.account,
      restoring: state.memory.restoreAccount,
      drafts: state.drafter?.account ?? DraftAccount(), sequence: sequence(of: state))
  }

  /// What a reply that has ended leaves to the next one of its session.
  private func sequence(of state: ReplyState) -> KeptSequence? {
    guard state.stopReason != .stopString else { return nil }
    // The template ends the turn in its own way.
    let isEnded = state.stopReason == .endOfText || state.generated == 0
    return state.memory.kept(untold: isEnded ? [] : [state.lastToken])
  }
}
