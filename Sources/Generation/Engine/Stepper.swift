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
  /// Rows that a pass may have, a search counted as one.
  package let rowsPerPass: Int
  /// Rows of them whose logits may be asked for.
  let logitsPerPass: Int
  private var lastPass = Duration.zero
  /// Whose rows the pass in hand has.
  private(set) var members: [Turn] = []
  /// Searches whose rows the last one had no room for.
  private var deferred: [Reply] = []
  /// Virtual positions that its views use, as a count from 0.
  private var positions = 0
  /// What passes of several rows cost, over all replies.
  var costs = PassCosts()
  /// What the last reply's drafts were worth.
  var governor = DraftGovernor()
  /// The second model, which guesses; nil: there is none.
  let draftModel: DraftModel?
  /// Who computes drafts, what that is assumed to cost, and in how many layers.
  var computers: [Drafter.Computer] = []
  private(set) var assumedPrices: [Double] = []
  private(set) var exitLayers: [Int] = []
  /// Replies with drafts so far.
  var draftedReplies = 0
  var reservedBlocks = 0
  /// How long replies are.
  private var lengths = ReplyLengths()
  private var knownBreakers: (texts: [String], breakers: SequenceBreakers)?

  /// - Parameters:
  ///   - draft: a smaller model with the same vocabulary, which guesses; nil: none.
  ///   - pace: how hard to work; nil: as hard as can be.
  ///   - storeOptions: what memory may take of the machine.
  ///   - keyValueBytes: what the KV cache may take of it beside so many bytes of work space, if that is
  ///     enough for one reply; nil: as much as `maxSequences` may come to need.
  ///   - now: seconds since 1970, for what is remembered.
  package init(
    model: LanguageModel, draft: LanguageModel? = nil, tokenizer: Tokenizer, compute: Compute,
    options: EngineOptions, pace: Pace? = nil, storeOptions: StoreOptions = StoreOptions(),
    keyValueBytes: (_ workspace: Int) -> Int? = { _ in nil },
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
    plan = RecallPlan(
      window: options.window, sinks: options.sinks, options: options.recall,
      blockLength: layout.blockLength, shape: shape, variant: Self.variant(options, shape))
    // A chunk is cut into one run for each slide of the window and each new choice of blocks, each
    // with a view of its own.
    let cut = plan.rooms > 0 ? min(layout.blockLength, plan.options.every) : layout.blockLength
    // Reading goes on beside whatever decodes.
    let rows = max(options.prefillChunk, options.maxSequences + 2)
    let cuts = options.window == .full ? 0 : 2 * rows / cut
    rowsPerPass = rows
    logitsPerPass = min(rows, max(32, options.maxSequences + 2))
    // A search has more rows than its one reply, as many as room is left for.
    let logitRows = logitsPerPass + BeamOptions.widest
    step = try Step(
      maxRows: rows + logitRows, maxLogitRows: logitRows,
      maxSpans: (cuts + 2 * options.maxSequences + logitRows) * (blocks + plan.rooms + 2))
    members.reserveCapacity(options.maxSequences)
    pass = try ForwardPass(
      model: model, compute: compute, layout: layout, step: step,
      maxPositions: WorkingMemory.positions(
        options.window, sinks: options.sinks, capacity: contextLength,
        blockLength: layout.blockLength) + plan.rooms * layout.blockLength)
    pool = try KVBlockPool(
      layout: layout,
      capacity: min(
        blocks * options.maxSequences,
        max(blocks, (keyValueBytes(pass.workspaceBytes) ?? .max) / layout.blockByteCount)))
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
    let context = contextLength
    draftModel = try draft.map {
      try DraftModel(model: $0, compute: compute, options: options, contextLength: context)
    }
    if let confidence = options.earlyExit {
      try pass.allowExits(at: Self.checkpoints(shape), confidence: confidence)
    }
    prepareToGuess()
  }

  /// The layers after which a generated token may leave: half and three quarters of them.
  static func checkpoints(_ shape: Hyperparameters) -> [Int] {
    [shape.layers / 2, shape.layers * 3 / 4]
  }

  /// What blocks depend on of how generated tokens are computed.
  private static func variant(_ options: EngineOptions, _ shape: Hyperparameters) -> String {
    options.earlyExit.map { "exit \($0) at \(checkpoints(shape))" } ?? ""
  }

  /// Says who computes drafts, and what that costs as long as it is not measured.
  private func prepareToGuess() {
    func add(_ source: DraftSource, _ price: Double) {
      computers.append(Drafter.Computer(source: source, price: price))
      assumedPrices.append(price)
    }
    if let draftModel {
      add(.model, Double(draftModel.model.weightByteCount) / Double(model.weightByteCount))
    }
    let layers = model.shape.layers
    switch options.draftExit {
    case nil: break
    case .layer(let layer): exitLayers = [layer]
    case .automatic:
      exitLayers = Set([layers / 4, layers / 2, layers * 3 / 4]).filter { $0 > 0 }.sorted()
    }
    let head = Double(model.output.byteCount) / Double(model.weightByteCount)
    for (source, layer) in zip(DraftSource.exits, exitLayers) {
      add(source, head + (1 - head) * Double(layer) / Double(layers))
    }
  }

  func exitLayer(of source: DraftSource) -> Int {
    exitLayers[DraftSource.exits.firstIndex(of: source)!]
  }

  /// KV blocks that replies hold.
  package var blocksInUse: Int { pool.lent }

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
  private func keep(_ state: inout ReplyState, of reply: Reply) {
    guard !state.isKept else { return }
    state.isKept = true
    guard isBack(state) else { return state.memory.abandon(in: pool) }
    leaveUntold(&state, of: reply)
    if let drafter = state.drafter { governor = drafter.governor }
    if state.leavesNothing { return state.memory.drop(in: pool) }
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

  // MARK: - Passes

  /// Makes the next events of several replies, in one pass over the weights for all that need one.
  ///
  /// A reply whose prompt is not read to its end yet has none. What a reply says does not depend on the
  /// others: a row's bits do not.
  ///
  /// - Parameters:
  ///   - turns: each of another reply, together no more rows than ``rowsPerPass``.
  ///   - tell: called with each event; nil for a reply that has ended.
  package func advance(
    _ turns: [Turn], tell: (Reply, Result<GenerationEvent?, EngineError>) -> Void
  ) {
    members.removeAll(keepingCapacity: true)
    var hasBegun = false
    // Rows that searches may have beside the one of each reply.
    var spare = step.maxLogitRows - turns.count
    var late: [Reply] = []
    let ordered =
      deferred.isEmpty ? turns : turns.filter(isDeferred) + turns.filter { !isDeferred($0) }
    for turn in ordered {
      do throws(EngineError) {
        if try tellWithoutPass(turn.reply, tell) { continue }
      } catch {
        end(turn.reply)
        tell(turn.reply, .failure(error))
        continue
      }
      let further = (turn.reply.state!.beams?.rows ?? 1) - 1
      // The first one always finds room, and those that do not are the first of the next pass.
      guard further <= spare else {
        late.append(turn.reply)
        continue
      }
      spare -= further
      hasBegun = hasBegun || turn.reply.state!.memory.count > 0
      members.append(turn)
    }
    deferred = late
    for member in members.indices where !members[member].reply.isReading {
      members[member].rows = min(members[member].rows, 1 + spare / members.count)
    }
    guard !members.isEmpty else { return }
    if hasBegun {
      pace?.rest(after: lastPass) { members.allSatisfy(\.reply.isCancelled) }
      // Whoever was cancelled meanwhile ends before the next pass.
      if members.contains(where: \.reply.isCancelled) { return }
    }
    if let pace { compute.use(threads: pace.threads) }
    let guessing = guess()
    let begun = clock.now
    beginPass()
    for turn in members { prepare(&turn.reply.state!, of: turn) }
    runPass()
    let passDuration = clock.now - begun
    note(passDuration)
    pace?.noteReading(guessing)
    let duration = guessing + passDuration
    lastPass = duration
    for turn in members {
      do throws(EngineError) {
        try takeResults(&turn.reply.state!, of: turn.reply, after: duration)
        _ = try tellWithoutPass(turn.reply, tell)
      } catch {
        end(turn.reply)
        tell(turn.reply, .failure(error))
      }
    }
  }

  private func isDeferred(_ turn: Turn) -> Bool { deferred.contains { $0 === turn.reply } }

  /// Tells what a reply has to tell without computing anything.
  ///
  /// - Returns: whether there was something.
  private func tellWithoutPass(
    _ reply: Reply, _ tell: (Reply, Result<GenerationEvent?, EngineError>) -> Void
  ) throws(EngineError) -> Bool {
    if reply.isEnded {
      tell(reply, .success(nil))
      return true
    }
    if reply.state == nil { try begin(reply) }
    guard let event = ready(reply) else { return false }
    tell(reply, .success(event))
    return true
  }

  /// Opens a reply, unless it is.
  func begin(_ reply: Reply) throws(EngineError) {
    if reply.state == nil { reply.state = try open(reply) }
  }

  /// A reply's next event, if nothing has to be computed for it: a token that a draft has brought, or its end.
  func ready(_ reply: Reply) -> GenerationEvent? {
    guard reply.state != nil else { return nil }
    if reply.state!.stopReason == nil, reply.isCancelled { reply.state!.stopReason = .cancelled }
    if reply.state!.stopReason != nil { return .finished(finish(reply)) }
    guard !reply.state!.sampled.isEmpty else { return nil }
    return .token(tell(&reply.state!, of: reply))
  }

  /// Ends a reply, whether it has begun or not.
  ///
  /// - Parameter reason: why, where the reply does not know itself.
  func finish(_ reply: Reply, because reason: StopReason = .cancelled) -> GenerationSummary {
    guard reply.state != nil else {
      reply.isEnded = true
      return GenerationSummary(unbegun: reply, stopReason: reason)
    }
    if reply.state!.stopReason == nil { reply.state!.stopReason = reason }
    let summary = summary(of: &reply.state!, of: reply)
    end(reply)
    return summary
  }

  /// Puts a reply's next rows into the pass: a part of its prompt, or its last token and a draft.
  private func prepare(_ state: inout ReplyState, of turn: Turn) {
    let reply = turn.reply
    let prompt = reply.prompt
    state.firstLogit = step.logitRowCount
    if state.memory.count < prompt.count {
      let chunk = nextChunk(
        of: prompt, state.memory, most: turn.rows, onProgress: reply.onPrefill)
      state.chunk = chunk
      step.nextMayLeave = false
      give(
        prompt.span.extracting(chunk), to: state.memory,
        logits: chunk.upperBound == prompt.count ? 1 : 0)
    } else if state.beams != nil {
      state.chunk = nil
      // A search compares scores: all of them are the whole model's.
      step.nextMayLeave = false
      prepareBeams(&state)
    } else {
      state.chunk = nil
      state.memory.isReading = false
      propose(&state, of: reply, most: min(turn.rows, step.maxLogitRows - step.logitRowCount))
      step.nextMayLeave = options.earlyExit != nil
      give(state.rows.span, to: state.memory, logits: state.rows.count)
    }
  }

  /// Samples from what the pass has computed for a reply.
  private func takeResults(
    _ state: inout ReplyState, of reply: Reply, after duration: Duration
  ) throws(EngineError) {
    state.spent += duration
    guard let chunk = state.chunk else {
      return try state.beams == nil
        ? takeDecoded(&state, of: reply) : takeBeams(&state, of: reply)
    }
    state.memory.slide(in: pool)
    state.prefillDuration += duration
    reply.onPrefill(chunk.upperBound)
    guard chunk.upperBound == reply.prompt.count else { return }
    // Nothing is to be said, but what was read is read.
    if reply.options.maxTokens == 0 {
      state.stopReason = .length
    } else if state.beams != nil {
      try takeBeams(&state, of: reply)
    } else {
      _ = try sample(&state, of: reply)
    }
  }

  /// What the pass says of the machine, and of what passes cost.
  private func note(_ duration: Duration) {
    let isDecoding = members.allSatisfy { $0.reply.state!.chunk == nil }
    if isDecoding {
      costs.note(rows: step.rows, duration)
      // Drafts and others beside it make a pass tell less of the machine.
      let bytes =
        step.rows == 1
        ? model.weightByteCount
          + members[0].reply.state!.memory.heldBlocks * pool.layout.blockByteCount : nil
      pace?.noteDecoding(duration, reading: bytes)
    } else {
      if members.count == 1, step.rows >= 16 { store.costs.note(read: step.rows, duration) }
      pace?.noteReading(duration)
    }
  }

  // MARK: - Single sequences

  /// Reads a prompt in chunks; its last token's logits are then the pass's first. False when
  /// cancelled on the way.
  func read(
    _ prompt: [TokenID], _ memory: SequenceMemory, isCancelled: () -> Bool
  ) -> Bool {
    while memory.count < prompt.count {
      if isCancelled() { return false }
      let chunk = nextChunk(of: prompt, memory, most: options.prefillChunk)
      run(
        prompt.span.extracting(chunk), memory, logits: chunk.upperBound == prompt.count ? 1 : 0)
    }
    return true
  }

  /// Takes over what the store has of a prompt from here on, and says what is to be read next.
  ///
  /// - Parameter most: rows.
  private func nextChunk(
    of prompt: [TokenID], _ memory: SequenceMemory, most: Int,
    onProgress: (Int) -> Void = { _ in }
  ) -> Range<Int> {
    while memory.restore(prompt, in: pool) { onProgress(memory.count) }
    let start = memory.count
    return start..<min(start + max(1, most), prompt.count, memory.nextRestorable ?? prompt.count)
  }

  /// Runs a sequence's next tokens.
  ///
  /// - Parameter mayLeave: whether layers may be left out for them, as for generated ones.
  func run(
    _ tokens: Span<TokenID>, _ memory: SequenceMemory, logits: Int, mayLeave: Bool = false
  ) {
    runOnTrial(tokens, memory, logits: logits, mayLeave: mayLeave)
    memory.slide(in: pool)
  }

  /// The same for tokens that may be taken back before the window slides past them.
  func runOnTrial(
    _ tokens: Span<TokenID>, _ memory: SequenceMemory, logits: Int, mayLeave: Bool = false
  ) {
    beginPass()
    step.nextMayLeave = mayLeave
    give(tokens, to: memory, logits: logits)
    runPass()
  }

  // MARK: - Parts of a pass

  func beginPass() {
    step.clear()
    recaller?.attendToNone()
    positions = 0
  }

  /// Adds a sequence's next tokens to the pass.
  func give(_ tokens: Span<TokenID>, to memory: SequenceMemory, logits: Int) {
    let hasRoom = memory.append(tokens, to: step, from: pool, logits: logits)
    precondition(hasRoom, "a reply outgrew the blocks set aside for it")
    recaller?.attend(to: memory)
    reserve(for: memory, rooms: plan.rooms)
  }

  /// Adds a token to the pass whose successor is only guessed.
  func giveGuess(_ token: TokenID, to memory: SequenceMemory) {
    let hasRoom = memory.appendGuess(token, to: step, from: pool)
    precondition(hasRoom, "a reply outgrew the blocks set aside for it")
    reserve(for: memory, rooms: 0)
  }

  private func reserve(for memory: SequenceMemory, rooms: Int) {
    positions = max(
      positions,
      WorkingMemory.positions(
        options.window, sinks: options.sinks, capacity: memory.count,
        blockLength: pool.layout.blockLength) + rooms * pool.layout.blockLength)
  }

  private func runPass() {
    pass.prepare(positions: positions)
    pass.run()
  }

  /// The same through the first layers alone.
  func runPass(first layers: Int) {
    pass.prepare(positions: positions)
    pass.run(first: layers)
  }

  // MARK: - Telling

  /// Tells the next sampled token: its text, and whether the reply ends with it.
  private func tell(_ state: inout ReplyState, of reply: Reply) -> GeneratedToken {
    let sampled = state.sampled.take()
    let token = sampled.id
    state.exits.note(skippedLayers: sampled.skippedLayers)
    if state.generated > 0 {
      state.drafter?.noteTold(isDraft: sampled.isDraft)
      state.decodeDuration += state.spent
      pace?.noteToken()
    } else {
      state.timeToFirstToken = clock.now - reply.begun
    }
    state.spent = .zero
    state.generated += 1
    state.lastToken = token
    state.stopReason = reasonToStop(state, reply, after: token)
    let fault = state.quality.note(token, entropy: sampled.entropy)
    if state.stopReason == nil, let fault, reply.options.qualityStop.contains(fault) {
      state.stopReason = .degenerate
    }

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
    if let search = state.beams?.search, search.isOver, state.sampled.isEmpty {
      return search.best!.stopReason
    }
    if let limit = reply.options.maxTokens, limit >= 0, state.generated >= limit { return .length }
    // The last token needs no place: nothing is generated after it.
    if options.window == .full, told(state, of: reply) >= contextLength { return .contextFull }
    return nil
  }

  private func summary(of state: inout ReplyState, of reply: Reply) -> GenerationSummary {
    if isBack(state) { leaveUntold(&state, of: reply) }
    let memory = ProcessMemory()
    let keyValueBytes = state.memory.heldBlocks * pool.layout.blockByteCount
    let evicted = state.memory.evicted
    keep(&state, of: reply)
    if state.stopReason == .endOfText { lengths.note(state.generated) }
    state.quality.finish(isContextFull: state.stopReason == .contextFull)
    var summary = GenerationSummary(
      stopReason: state.stopReason!, trailingText: state.text.finish(),
      promptTokens: reply.prompt.count,
      generatedTokens: state.generated, evictedTokens: evicted,
      prefillDuration: state.prefillDuration, decodeDuration: state.decodeDuration,
      timeToFirstToken: state.timeToFirstToken, seed: reply.seed,
      residentBytes: memory.resident, peakBytes: memory.peak,
      keyValueBytes: keyValueBytes, memory: state.memory.account,
      restoring: state.memory.restoreAccount,
      drafts: state.drafter?.account ?? DraftAccount(), exits: state.exits,
      beams: state.beams?.report,
      sequence: sequence(of: state))
    summary.quality = state.quality.account
    return summary
  }

  /// What a reply that has ended leaves to the next one of its session.
  private func sequence(of state: ReplyState) -> KeptSequence? {
    guard state.stopReason != .stopString, !state.leavesNothing else { return nil }
    // The template ends the turn in its own way.
    let isEnded = state.stopReason == .endOfText || state.generated == 0
    return state.memory.kept(untold: isEnded ? [] : [state.lastToken])
  }
}
