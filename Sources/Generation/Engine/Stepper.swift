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
  /// Where time goes; nil: nobody asks.
  let profile: PassProfile?
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
  var assumedPrices: [Double] = []
  var exitLayers: [Int] = []
  /// Replies with drafts so far.
  var draftedReplies = 0
  var reservedBlocks = 0
  /// How long replies are.
  var lengths = ReplyLengths()
  var knownBreakers: (texts: [String], breakers: SequenceBreakers)?
  /// Texts that works are timed behind, by their length.
  var timedTexts: [Int: Reply] = [:]

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
    let hasTiles = !options.isExact && ForwardPass.hasTiles(compute, shape)
    plan = RecallPlan(
      window: options.window, sinks: options.sinks, options: options.recall,
      blockLength: layout.blockLength, shape: shape,
      variant: Self.variant(options, shape, hasTiles: hasTiles),
      tellsGenerated: hasTiles || options.earlyExit != nil)
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
    profile = try options.profiling.map {
      try PassProfile(
        model: model, layout: layout, promptsHaveTiles: hasTiles, slices: $0.traceSlices)
    }
    pass = try ForwardPass(
      model: model, compute: compute, layout: layout, step: step,
      maxPositions: WorkingMemory.positions(
        options.window, sinks: options.sinks, capacity: contextLength,
        blockLength: layout.blockLength) + plan.rooms * layout.blockLength,
      isExact: options.isExact, profile: profile)
    let context = contextLength
    draftModel = try draft.map {
      try DraftModel(model: $0, compute: compute, options: options, contextLength: context)
    }
    if let confidence = options.earlyExit {
      try pass.allowExits(at: Self.checkpoints(shape), confidence: confidence)
    }
    let workspace = pass.workspaceBytes + (draftModel?.workspaceBytes ?? 0)
    pool = try KVBlockPool(
      layout: layout,
      capacity: min(
        blocks * options.maxSequences,
        max(blocks, (keyValueBytes(workspace) ?? .max) / layout.blockByteCount)))
    do {
      store = try EpisodeStore(
        layout: layout, plan: plan, model: model, rope: pass.rope,
        rarity: tokenizer.rarity(passageLength: layout.blockLength), marks: tokenizer.marks,
        directory: options.store, options: storeOptions, now: now)
    } catch {
      throw EngineError(.machine, error.message)
    }
    recaller =
      plan.rooms > 0
      ? Recaller(plan: plan, pool: pool, rope: pass.rope, compute: compute, profile: profile) : nil
    pass.views = recaller
    prepareToGuess()
  }

  /// The layers after which a generated token may leave: half and three quarters of them.
  static func checkpoints(_ shape: Hyperparameters) -> [Int] {
    [shape.layers / 2, shape.layers * 3 / 4]
  }

  /// What blocks depend on of how tokens are computed.
  private static func variant(
    _ options: EngineOptions, _ shape: Hyperparameters, hasTiles: Bool
  ) -> String {
    let exit = options.earlyExit.map { "exit \($0) at \(checkpoints(shape))" }
    return [hasTiles ? "prompts in bf16" : nil, exit].compactMap(\.self).joined(separator: " ")
  }

  /// KV blocks that replies hold.
  package var blocksInUse: Int { pool.lent }

  /// What is remembered, apart from replies.
  var memory: MemoryKeeper {
    MemoryKeeper(store: store, tokenizer: tokenizer, consolidation: options.consolidation)
  }

  /// What keeps blocks.
  var tiers: TieredStore { store.tiers }

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
      // While nothing is to be computed, and when somebody was cancelled meanwhile, no pass is made: whoever
      // asked for it asks again, and is told of other things in between.
      guard pace?.rest(after: lastPass) ?? true,
        !members.contains(where: \.reply.isCancelled)
      else { return }
    }
    if let pace { compute.use(threads: pace.threads) }
    beginProfile()
    let guessing = guess()
    let begun = clock.now
    beginPass()
    // Rows of prompts come last.
    for turn in members where !turn.reply.isReading { prepare(&turn.reply.state!, of: turn) }
    for turn in members where turn.reply.state!.memory.count < turn.reply.prompt.count {
      prepare(&turn.reply.state!, of: turn)
    }
    noteRows()
    runPass()
    let passDuration = clock.now - begun
    note(passDuration)
    pace?.noteReading(guessing)
    let duration = guessing + passDuration
    lastPass = duration
    for turn in members {
      do throws(EngineError) {
        try takeResults(&turn.reply.state!, of: turn.reply, after: duration)
        profile?.begin(.other)
        _ = try tellWithoutPass(turn.reply, tell)
      } catch {
        end(turn.reply)
        tell(turn.reply, .failure(error))
      }
    }
    profile?.endPass()
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
    profile?.begin(.eviction)
    state.memory.slide(in: pool)
    profile?.begin(.other)
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
    profile?.begin(.fetch)
    while memory.restore(prompt, in: pool) { onProgress(memory.count) }
    profile?.begin(.other)
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
}
