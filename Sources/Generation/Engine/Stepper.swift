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

  private let pool: KVBlockPool
  private let step: Step
  private let pass: ForwardPass
  private let plan: RecallPlan
  private let store: EpisodeStore
  /// Nil when nothing is ever recalled.
  private let recaller: Recaller?
  private let clock = ContinuousClock()
  private let compute: Compute
  private let pace: Pace?
  private var lastStep = Duration.zero
  private var reservedBlocks = 0
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

  /// Opens a reply: sets aside the KV blocks it may come to need, so that it cannot run short
  /// later, and shows the sampler its prompt.
  private func open(_ reply: Reply) throws(EngineError) -> ReplyState {
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
    return ReplyState(
      memory: memory, sampler: sampler,
      text: ReplyText(
        tokenizer: tokenizer, continuing: reply.isContinuation,
        stopStrings: reply.options.stopStrings),
      reservedBlocks: blocks)
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
    if state.stopReason == nil {
      if state.generated > 0 { pace?.rest(after: lastStep, isCancelled: isCancelled) }
      if isCancelled() { state.stopReason = .cancelled }
    }
    if state.stopReason == nil {
      if let pace { compute.use(threads: pace.threads) }
      let begun = clock.now
      if state.generated > 0 {
        state.memory.isReading = false
        feed([state.lastToken], state.memory)
      } else if read(
        reply.prompt, state.memory, isCancelled: isCancelled, onProgress: reply.onPrefill)
      {
        state.prefillDuration = clock.now - begun
        // Nothing is to be said, but what was read is read.
        if reply.options.maxTokens == 0 { state.stopReason = .length }
      } else {
        state.stopReason = .cancelled
      }
      if state.stopReason == nil {
        let token = try sample(&state, of: reply)
        let now = clock.now
        if state.generated == 1 {
          state.timeToFirstToken = now - reply.begun
        } else {
          lastStep = now - begun
          state.decodeDuration += lastStep
          pace?.noteToken(
            lastStep,
            reading: model.weightByteCount
              + state.memory.heldBlocks * pool.layout.blockByteCount)
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
  private func read(
    _ prompt: [TokenID], _ memory: SequenceMemory, isCancelled: () -> Bool,
    onProgress: (Int) -> Void = { _ in }
  ) -> Bool {
    let known = memory.count == 0 ? memory.restore(prompt, in: pool) : 0
    if known > 0 { onProgress(known) }
    for start in stride(from: known, to: prompt.count, by: options.prefillChunk) {
      if start > known {
        pace?.rest(after: lastStep, isCancelled: isCancelled)
        if isCancelled() { return false }
        if let pace { compute.use(threads: pace.threads) }
      }
      let begun = clock.now
      let end = min(start + options.prefillChunk, prompt.count)
      run(prompt.span.extracting(start..<end), memory, logits: end == prompt.count ? 1 : 0)
      lastStep = clock.now - begun
      pace?.noteChunk(lastStep)
      onProgress(end)
    }
    return true
  }

  /// Runs one generated token; its successor's logits are then the pass's first.
  private func feed(_ token: InlineArray<1, TokenID>, _ memory: SequenceMemory) {
    run(token.span, memory, logits: 1)
  }

  private func run(_ tokens: Span<TokenID>, _ memory: SequenceMemory, logits: Int) {
    pass.prepare(
      positions: WorkingMemory.positions(
        options.window, sinks: options.sinks, capacity: memory.count + tokens.count,
        blockLength: pool.layout.blockLength) + plan.rooms * pool.layout.blockLength)
    step.clear()
    let hasRoom = memory.append(tokens, to: step, from: pool, logits: logits)
    precondition(hasRoom, "a reply outgrew the blocks set aside for it")
    recaller?.attend(to: memory)
    pass.run()
    memory.slide(in: pool)
  }

  private func sample(
    _ state: inout ReplyState, of reply: Reply
  ) throws(EngineError) -> GeneratedToken {
    let pass = pass
    // An embedding may have more rows than there are tokens, to make its size round.
    let logits = pass.logits(0).extracting(0..<tokenizer.vocabularySize)
    let token = state.sampler.sample(logits)
    // The sampler treats what is no number as impossible, so it is chosen only where nothing is one.
    guard !logits[Int(token)].isNaN else {
      throw EngineError(
        .model,
        "\(model.file.name): the model computes no valid scores; its weights are damaged, "
          + "download or convert it again.")
    }
    state.sampler.accept(token)
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

    guard reply.options.logprobs > 0 else {
      return GeneratedToken(id: token, text: text, logprobs: nil)
    }
    return GeneratedToken(
      id: token, text: text,
      logprobs: TokenLogprobs(logits: logits, chosen: token, top: reply.options.logprobs))
  }

  private func reasonToStop(
    _ state: ReplyState, _ reply: Reply, after token: TokenID
  ) -> StopReason? {
    if !reply.options.ignoresEndTokens,
      tokenizer.endTokens.contains(token) || reply.turnEnds.contains(token)
    {
      return .endOfText
    }
    if let limit = reply.options.maxTokens, limit >= 0, state.generated >= limit { return .length }
    if options.window == .full, state.memory.count >= contextLength { return .contextFull }
    return nil
  }

  private func summary(of state: inout ReplyState, of reply: Reply) -> GenerationSummary {
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
      keyValueBytes: keyValueBytes, memory: state.memory.account)
  }

  // MARK: - Concepts

  /// Reads what stands before a concept's gist and the gist, and gives memory their block.
  ///
  /// - Returns: false when replies in progress leave no room for it.
  func makeGist(_ tokens: [TokenID], of namespace: String) throws(EngineError) -> Bool {
    let blocks = WorkingMemory.blocks(
      options.window, capacity: tokens.count, blockLength: pool.layout.blockLength,
      stepTokens: options.prefillChunk)
    guard reservedBlocks + blocks <= pool.capacity else { return false }
    reservedBlocks += blocks
    defer { reservedBlocks -= blocks }
    let memory = SequenceMemory(
      owner: .concepts(of: namespace), capacity: tokens.count, stepTokens: options.prefillChunk,
      turnEnds: [], store: store)
    _ = read(tokens, memory, isCancelled: { false })
    memory.end(in: pool)
    if let reason = memory.account.reasonForDropping {
      throw EngineError(.memory, "a concept's keys and values cannot be kept: \(reason)")
    }
    return true
  }

  // MARK: - Measuring and comparing

  /// Calls `body` with the logits after each of `tokens`, [vocabulary], in order.
  ///
  /// - Parameter memory: whose memory they draw on; nobody's is added to.
  func logits(
    of tokens: [TokenID], memory: MemoryOptions,
    isCancelled: () -> Bool, _ body: (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    var memory = memory
    memory.session = MemoryOwner.nobody
    let reply = try measured(tokens, memory: memory)
    defer { end(reply) }
    let pass = pass
    for start in stride(from: 0, to: tokens.count, by: step.maxLogitRows) {
      if isCancelled() { throw CancellationError() }
      let end = min(start + step.maxLogitRows, tokens.count)
      run(tokens.span.extracting(start..<end), reply.state!.memory, logits: end - start)
      for index in start..<end { try body(index, pass.logits(index - start)) }
    }
  }

  /// How keys and values lie in the cache.
  var layout: KVLayout { pool.layout }

  /// Reads `tokens` and copies the blocks that they fill, [blocks][layers][layerByteCount].
  func cachedBlocks(of tokens: [TokenID], isCancelled: () -> Bool) throws -> [UInt8] {
    let reply = try measured(tokens)
    defer { end(reply) }
    guard read(tokens, reply.state!.memory, isCancelled: isCancelled) else {
      throw CancellationError()
    }
    var bytes: [UInt8] = []
    for block in reply.state!.memory.working.held.prefix(tokens.count / layout.blockLength) {
      unsafe bytes.append(
        contentsOf: UnsafeBufferPointer(
          start: pool.pointer(to: block), count: layout.blockByteCount))
    }
    return bytes
  }

  /// Calls `body` with the logits after each of `tokens` whose keys and values are not in `blocks`,
  /// which hold those of the first tokens as `cachedBlocks` gives them.
  func logits(
    of tokens: [TokenID], after blocks: [UInt8], isCancelled: () -> Bool,
    _ body: (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) throws {
    precondition(options.window == .full && blocks.count % layout.blockByteCount == 0)
    let reply = try measured(tokens)
    defer { end(reply) }
    let cached = blocks.count / layout.blockByteCount * layout.blockLength
    for start in stride(from: 0, to: cached, by: step.maxRows) {
      // Takes the blocks; what this step would compute is known already.
      step.clear()
      let part = tokens.span.extracting(start..<min(start + step.maxRows, cached))
      let hasRoom = reply.state!.memory.append(part, to: step, from: pool, logits: 0)
      precondition(hasRoom, "a reply outgrew the blocks set aside for it")
    }
    for (index, block) in reply.state!.memory.working.held.enumerated() {
      unsafe blocks.withUnsafeBufferPointer { blocks in
        let from = unsafe blocks.baseAddress! + index * layout.blockByteCount
        unsafe pool.pointer(to: block).update(from: from, count: layout.blockByteCount)
      }
    }
    let pass = pass
    for start in stride(from: cached, to: tokens.count, by: step.maxLogitRows) {
      if isCancelled() { throw CancellationError() }
      let end = min(start + step.maxLogitRows, tokens.count)
      run(tokens.span.extracting(start..<end), reply.state!.memory, logits: end - start)
      for index in start..<end { try body(index, pass.logits(index - start)) }
    }
  }

  /// Reads `tokens` with full attention, and calls `body` with what layers attended with.
  func probeAttention<Result>(
    of tokens: [TokenID], isCancelled: () -> Bool, _ body: (AttentionProbe) throws -> Result
  ) throws -> Result {
    precondition(options.window == .full && !tokens.isEmpty)
    let reply = try measured(tokens)
    defer { end(reply) }
    let probe = AttentionProbe(
      shape: model.shape, layout: pool.layout, rope: pass.rope, compute: compute)
    pass.views = probe
    defer { pass.views = recaller }
    guard read(tokens, reply.state!.memory, isCancelled: isCancelled) else {
      throw CancellationError()
    }
    probe.read(into: reply.state!.memory.working.held, of: pool)
    return try body(probe)
  }

  /// Time to read `count` tokens in an empty context, without sampling.
  func measurePrefill(tokens count: Int) throws(EngineError) -> Duration {
    let tokens = try arbitraryTokens(count)
    let reply = try measured(tokens)
    defer { end(reply) }
    return clock.measure { _ = read(tokens, reply.state!.memory, isCancelled: { false }) }
  }

  /// Time to decode `count` tokens one by one in an empty context, without sampling.
  func measureDecode(tokens count: Int) throws(EngineError) -> Duration {
    let tokens = try arbitraryTokens(count) + [0]
    let reply = try measured(tokens)
    defer { end(reply) }
    feed([tokens[0]], reply.state!.memory)
    return clock.measure {
      for token in tokens.dropFirst() { feed([token], reply.state!.memory) }
    }
  }

  /// An open reply with room for `tokens` and nothing more.
  private func measured(
    _ tokens: [TokenID], memory: MemoryOptions = MemoryOptions(scope: .none)
  ) throws(EngineError) -> Reply {
    guard options.window != .full || tokens.count <= contextLength else {
      throw EngineError(
        .prompt, "\(tokens.count) tokens do not fit a context of \(contextLength).")
    }
    let reply = Reply(
      prompt: tokens, options: GenerationOptions(maxTokens: 0, memory: memory), seed: 0)
    reply.state = try open(reply)
    return reply
  }

  /// Tokens spread over the vocabulary: what they are makes no difference to the time.
  private func arbitraryTokens(_ count: Int) throws(EngineError) -> [TokenID] {
    let most = options.window == .full ? contextLength : 1 << 24
    guard (1...most).contains(count) else {
      throw EngineError(
        .prompt, "\(count) tokens cannot be measured; give between 1 and \(most).")
    }
    return (0..<count).map { TokenID(($0 * 7919 + 11) % tokenizer.vocabularySize) }
  }
}
