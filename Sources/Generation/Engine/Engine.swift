internal import Cache
internal import Cascade
internal import FoundationEssentials
internal import Hardware
public import Model

/// A model that generates text.
///
///     let engine = try Engine(path: "models/spark-mini.gguf")
///     for try await event in try engine.stream(.text("Once upon a time")) {
///       if case .token(let token) = event { print(token.text, terminator: "") }
///     }
///
/// Replies of several streams go on together: each pass over the weights makes a token for every reply that
/// somebody waits for, and reads a part of a prompt beside them. What a reply says does not depend on the
/// others.
public final class Engine: Sendable {
  /// What the model file holds.
  public let model: ModelDescription
  public let tokenizer: Tokenizer
  /// How chats are written for this model; nil when its template is not among the known ones.
  public let chatTemplate: ChatTemplate?
  public let threads: Int
  public let instructionSet: InstructionSet
  /// Tokens that a sequence with a full window may hold, prompt and reply together.
  public let contextLength: Int
  /// Bytes of weights in memory, a draft model's among them.
  public let weightBytes: Int

  /// What keeps the engine from using all of the machine, a sentence each; most often none.
  public let notices: [String]

  /// Sequences that the machine, and the governor at this moment, would have decoded together.
  public var batchWidth: Int { monitor.width }

  /// Degrees Celsius of the sensor nearest its limit, as they were a second ago at most while replies are made;
  /// nil where unknown.
  package var temperature: Double? { monitor.temperature }

  /// What the engine remembers.
  public var memory: EngineMemory { EngineMemory(core: core) }

  /// Where it is kept.
  public var store: EngineStore { EngineStore(core: core) }

  private let monitor: RunMonitor
  let core: EngineCore
  private let window: Window
  /// Replies that may wait for their turn.
  let queueLimit: Int

  /// Loads the model at `path`: maps the file, checks it, and packs its weights for this processor.
  ///
  /// - Parameters:
  ///   - systemRoot: where `/proc` and `/sys` are read, to find out how many threads to use and how
  ///     the machine feels.
  ///   - clock: what time it is, in seconds since 1970, for what is remembered; nil: the machine's.
  ///   - onChange: called with one line, what and why, when the governor changes its mind while a
  ///     reply is made.
  public init(
    path: String, options: EngineOptions = EngineOptions(), systemRoot: String = "/",
    clock: (@Sendable () -> Int64)? = nil,
    onChange: @escaping @Sendable (_ change: String) -> Void = { _ in }
  ) throws(EngineError) {
    (
      self.model, tokenizer, chatTemplate, threads, instructionSet, contextLength, weightBytes,
      notices, monitor, core
    ) =
      try EngineError.wrapping {
        let file = try GGUFFile(path: path)
        let description = try ModelDescription(file: file)
        try options.validate(
          trainedContext: description.contextLength, layers: description.layers)
        let tokenizer: Tokenizer
        do {
          tokenizer = try Tokenizer(metadata: file.metadata)
        } catch {
          throw EngineError(.model, "\(path): \(error)")
        }
        func spelling(_ token: TokenID?, _ otherwise: String) -> String {
          token.map { String(decoding: tokenizer.rawText(of: $0), as: UTF8.self) } ?? otherwise
        }
        let files = SystemFiles(root: systemRoot)
        let snapshot = MachineSnapshot(files)
        let advice = Recommendation(for: snapshot)
        let threads = options.threads ?? advice.threads
        let compute = try Compute(
          threads: threads, instructionSet: options.instructionSet ?? .best)
        let processors = advice.confinement(of: threads, on: snapshot.machine)
        if let processors { compute.confine(to: processors) }
        let notices = [
          MatrixUnit.current.remark(
            chosen: options.instructionSet, best: compute.instructionSet)
        ]
        let model = try LanguageModel(file: file, compute: compute)
        let draft = try options.draftModel.map {
          try LanguageModel.draft(at: $0, for: path, tokenizer, compute: compute)
        }
        let pace = Pace(threads: threads)
        var storeOptions = StoreOptions(advice)
        storeOptions.recordTrace = options.recordTrace
        if let bytes = options.storeBytes { storeOptions.diskBytes = bytes }
        let budget = MemoryBudget(
          options.memoryBytes, weights: model.weightByteCount + (draft?.weightByteCount ?? 0),
          free: snapshot.memoryLeft)
        try budget.limit(&storeOptions)
        let memo = ReplyMemo(bytes: budget.memoBytes(options.memoBytes))
        let stepper = try Stepper(
          model: model, draft: draft, tokenizer: tokenizer, compute: compute, options: options,
          pace: pace, storeOptions: storeOptions,
          keyValueBytes: { [storeOptions] in
            budget.keyValueBytes(storeOptions, memo: memo.statistics.budget, workspace: $0)
          },
          now: clock ?? { Int64(Date.now.timeIntervalSince1970) })
        try budget.check(
          stepper.memoryUse(replies: memo.statistics), contextLength: stepper.contextLength,
          window: options.window)
        let tiers = stepper.tiers
        let monitor = RunMonitor(
          sensors: SensorReader(files, of: snapshot), pace: pace,
          governor: Governor(
            maxWidth: advice.batchWidth, maxThreads: threads, options: options.thermal),
          report: onChange,
          adapt: { [tiers] in
            tiers.adapt(toShare: $0)
            memo.adapt(toShare: $0)
          })
        let contextLength = stepper.contextLength
        return (
          description, tokenizer,
          ChatTemplate.recognise(
            description.chatTemplate,
            beginOfSequence: spelling(tokenizer.bos, "<s>"),
            endOfSequence: spelling(tokenizer.eos, "</s>")), threads,
          compute.instructionSet, contextLength,
          model.weightByteCount + (draft?.weightByteCount ?? 0),
          notices.compactMap(\.self), monitor,
          EngineCore(
            stepper: stepper, monitor: monitor, idleWork: IdleWork(tiers), memo: memo,
            processors: processors)
        )
      }
    window = options.window
    queueLimit = options.queueLimit
  }

  /// The tokens that a prompt becomes, special tokens included.
  ///
  /// - Parameter template: how to write chats; nil uses the model's own.
  public func tokens(
    of prompt: Prompt, template: ChatTemplate? = nil
  ) throws(EngineError) -> [TokenID] {
    switch prompt {
    case .tokens(let tokens): return tokens
    case .text(let text): return tokenizer.encode(text)
    case .chat(let messages):
      return try chatEncoder(template).tokens(of: messages)
    }
  }

  func chatEncoder(_ template: ChatTemplate?) throws(EngineError) -> ChatEncoder {
    guard let template = template ?? chatTemplate else {
      throw EngineError(
        .prompt,
        "\(model.name): its chat template is not one that Spark knows; "
          + "choose one by name, such as the template chatml, or give the prompt as plain text.")
    }
    return ChatEncoder(tokenizer: tokenizer, template: template)
  }

  /// Begins a reply. Nothing is computed until the stream is read.
  ///
  /// - Parameter onPrefill: called on the engine's thread, which waits for it, with the tokens of the
  ///   prompt that are read: once for those that memory has, then after each chunk.
  public func stream(
    _ prompt: Prompt, template: ChatTemplate? = nil,
    options: GenerationOptions = GenerationOptions(),
    onPrefill: @escaping @Sendable (_ tokensRead: Int) -> Void = { _ in }
  ) throws(EngineError) -> TokenStream {
    let begun = ContinuousClock.now
    let encoder: ChatEncoder? =
      if case .chat = prompt { try chatEncoder(template) } else { nil }
    return try stream(
      tokens(of: prompt, template: template), turnOf: encoder, options: options, begun: begun,
      onPrefill: onPrefill)
  }

  /// The same for tokens, with someone who follows the reply.
  ///
  /// - Parameters:
  ///   - encoder: how the chat is written that the reply is a turn of; nil: it goes on with a text.
  ///   - sequence: what the prompt's first tokens have become in earlier replies.
  func stream(
    _ tokens: [TokenID], turnOf encoder: ChatEncoder?, behind sequence: KeptSequence? = nil,
    options: GenerationOptions, observer: (any ReplyObserver)? = nil,
    begun: ContinuousClock.Instant = .now,
    onPrefill: @escaping @Sendable (_ tokensRead: Int) -> Void
  ) throws(EngineError) -> TokenStream {
    try EngineError.wrapping { try options.validate(vocabularySize: tokenizer.vocabularySize) }
    var tokens = tokens
    if tokens.isEmpty {
      // Something must be read before anything can be said.
      guard let start = tokenizer.bos ?? tokenizer.eos else {
        throw EngineError(.prompt, "the prompt is empty; give the model a text to continue.")
      }
      tokens = [start]
    }
    guard window != .full || tokens.count < contextLength else {
      throw EngineError(
        .prompt,
        "the prompt has \(tokens.count) tokens and the context holds \(contextLength), the reply "
          + "included; shorten it, or use a sliding window of, say, \(max(1, contextLength / 2)) "
          + "tokens, which lets its middle go.")
    }
    var options = options
    var turnEnds: Set<TokenID> = []
    if let ends = encoder?.turnEnds {
      turnEnds = ends.tokens
      options.stopStrings += ends.texts
    }
    let seed = options.seed ?? UInt64.random(in: .min ... .max)
    return TokenStream(
      Reply(
        prompt: tokens, options: options, seed: seed, isContinuation: encoder == nil,
        turnEnds: turnEnds, sequence: sequence, begun: begun, onPrefill: onPrefill),
      on: core, observer: observer)
  }

  /// Gives the memory of the model's weights back to the system; keys and values stay. What is asked for
  /// next loads them again, and reads nothing that was read before.
  ///
  /// - Returns: false while a reply is in progress.
  @discardableResult
  public func unload() async -> Bool { await core.unload() }

  /// Calls `body` with the logits after each of `tokens`, [vocabulary], in order, on the engine's
  /// thread.
  ///
  /// - Parameter memory: whose memory the logits draw on; nothing is added to it.
  public func logits(
    of tokens: [TokenID], memory: MemoryOptions = MemoryOptions(),
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) async throws {
    try await core.logits(of: tokens, memory: memory, body)
  }

  /// Calls `body` with the logits after each of `tokens`, [vocabulary], in order, each read as if it had
  /// been generated, and with the layers that it went through.
  ///
  /// - Returns: time that the passes took.
  package func logitsWhenGenerated(
    of tokens: [TokenID],
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>, _ depth: Int) throws -> Void
  ) async throws -> Duration {
    try await core.logitsWhenGenerated(of: tokens, body)
  }

  /// How keys and values lie in the cache.
  package var keyValueLayout: KVLayout {
    get async { await core.layout }
  }

  /// Reads `tokens` and copies the cache's blocks that they fill, [blocks][layers][layerByteCount].
  package func cachedBlocks(of tokens: [TokenID]) async throws -> [UInt8] {
    try await core.cachedBlocks(of: tokens)
  }

  /// Calls `body` with the logits after each of `tokens` that `blocks` do not hold: these are the
  /// keys and values of the first tokens, as `cachedBlocks` gives them or a codec left them. For full
  /// windows.
  package func logits(
    of tokens: [TokenID], after blocks: [UInt8],
    _ body: @Sendable (_ index: Int, _ logits: Span<Float>) throws -> Void
  ) async throws {
    try await core.logits(of: tokens, after: blocks, body)
  }

  /// Time to read `tokens` tokens in one prompt.
  public func measurePrefill(tokens: Int) async throws(EngineError) -> Duration {
    try await core.measurePrefill(tokens: tokens)
  }

  /// Time to decode `tokens` tokens one after another.
  public func measureDecode(tokens: Int) async throws(EngineError) -> Duration {
    try await core.measureDecode(tokens: tokens)
  }

  /// Time of `passes` passes that check `rows` tokens each behind a text of `context` tokens.
  package func measureVerification(
    rows: Int, passes: Int, context: Int
  ) async throws(EngineError) -> Duration {
    try await core.measureVerification(rows: rows, passes: passes, context: context)
  }

  /// What a work takes on `threads` of the engine's threads behind a text of `depth` tokens, which is read first and,
  /// with a full window, kept for the next time: for a bench, whose engine does nothing else.
  package func time(
    _ work: TimedWork, behind depth: Int, threads: Int
  ) async throws(EngineError) -> WorkTimes {
    try await core.time(work, behind: depth, threads: threads)
  }
}
