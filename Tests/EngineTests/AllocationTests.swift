import AllocationCounter
import Generation
import Model
import Testing

@Suite struct AllocationTests {
  /// Of `tokens` decoded tokens, those in whose step something was allocated.
  private func allocatingTokens(
    _ options: EngineOptions, _ request: GenerationOptions, tokens: Int,
    after text: String = "Once upon a time", others: [String] = []
  ) throws -> Int {
    let file = try GGUFFile(path: EmbeddedModel.path)
    let compute = try Compute(threads: options.threads ?? 1)
    let draft = try options.draftModel.map {
      try LanguageModel(file: GGUFFile(path: $0), compute: compute)
    }
    let stepper = try Stepper(
      model: LanguageModel(file: file, compute: compute), draft: draft,
      tokenizer: Tokenizer(metadata: file.metadata), compute: compute, options: options,
      pace: Pace(threads: options.threads ?? 1))
    let tokenizer = try Tokenizer(metadata: file.metadata)
    for text in others {
      var told = request
      told.maxTokens = 40
      let reply = Reply(prompt: tokenizer.encode(text), options: told, seed: 1)
      while try stepper.next(Turn(reply, rows: 512)) != nil {}
    }
    let prompt = tokenizer.encode(text)
    let reply = Reply(prompt: prompt, options: request, seed: 1)
    defer { stepper.end(reply) }
    // The prompt, and one decoded token for what is set up lazily.
    let turns = [Turn(reply, rows: 512)]
    for _ in 0..<2 { _ = try stepper.next(turns[0]) }
    var count = 0
    for _ in 0..<tokens {
      allocation_counter_start()
      stepper.advance(turns) { _, _ in }
      if allocation_counter_stop() > 0 { count += 1 }
    }
    return count
  }

  @Test("the counter counts")
  func counter() {
    allocation_counter_start()
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 1)
    #expect(allocation_counter_stop() == 1)
    pointer.deallocate()
  }

  /// With one thread the whole step runs where the counter looks; with two, the workers' part is
  /// the same C code.
  @Test(
    "decoding a token allocates nothing", arguments: [1, 2],
    [Window.full, .sliding(tokens: 100)])
  func decode(threads: Int, window: Window) throws {
    var request = GenerationOptions(maxTokens: 1000, ignoresEndTokens: true)
    if window != .full { request.memory.scope = .none }
    let options = EngineOptions(threads: threads, window: window)
    #expect(try allocatingTokens(options, request, tokens: 300) == 0)
    request.sampling.temperature = 0
    #expect(try allocatingTokens(options, request, tokens: 300) == 0)
  }

  @Test(
    "guessing tokens allocates nothing, from the text and from what others said",
    arguments: [MemoryScope.none, .namespace])
  func drafts(scope: MemoryScope) throws {
    let text = String(repeating: "The fox ran to the lake and the hen sang a song. ", count: 8)
    var request = GenerationOptions(
      maxTokens: 1000, sampling: .greedy, ignoresEndTokens: true,
      memory: MemoryOptions(scope: scope), drafts: DraftOptions(mode: .always))
    #expect(
      try allocatingTokens(
        EngineOptions(threads: 1), request, tokens: 300, after: text, others: [text, text]) == 0)
    request.drafts.mode = .automatic
    #expect(
      try allocatingTokens(
        EngineOptions(threads: 1), request, tokens: 300, after: "The fox ran to",
        others: [text, text]) == 0)
  }

  @Test(
    "having tokens guessed by a second model or by the first layers allocates nothing",
    arguments: [Window.full, .sliding(tokens: 100)], [0, 0.8] as [Float])
  func computedDrafts(window: Window, temperature: Float) throws {
    for mode in [DraftOptions.Mode.always, .automatic] {
      var request = GenerationOptions(
        maxTokens: 1000, ignoresEndTokens: true, memory: MemoryOptions(scope: .none),
        drafts: DraftOptions(mode: mode))
      request.sampling.temperature = temperature
      let options = EngineOptions(
        threads: 1, window: window, draftModel: EmbeddedModel.path, draftExit: .automatic)
      #expect(try allocatingTokens(options, request, tokens: 300) == 0)
    }
  }

  @Test("noting where the time goes allocates nothing")
  func profile() throws {
    let request = GenerationOptions(maxTokens: 1000, ignoresEndTokens: true)
    let options = EngineOptions(
      threads: 1, profiling: ProfilingOptions(traceSlices: 5000))
    #expect(try allocatingTokens(options, request, tokens: 300) == 0)
  }

  @Test("leaving layers out allocates nothing")
  func earlyExits() throws {
    let request = GenerationOptions(
      maxTokens: 1000, sampling: .greedy, ignoresEndTokens: true,
      drafts: DraftOptions(mode: .always))
    #expect(
      try allocatingTokens(EngineOptions(threads: 1, earlyExit: 0.5), request, tokens: 300) == 0)
  }

  @Test("with memory, only a block that leaves the window allocates, and a table that grows")
  func memory() throws {
    let request = GenerationOptions(maxTokens: 2000, ignoresEndTokens: true)
    let options = EngineOptions(
      threads: 1, window: .sliding(tokens: 100), recall: RecallOptions(blocks: 4, every: 8))
    let tokens = 960
    // One token for each block, and those at which tables grow.
    #expect(try allocatingTokens(options, request, tokens: tokens) <= tokens / 64 + 2)
  }

  @Test("every sampler together, with stop strings, allocates nothing")
  func samplers() throws {
    var request = GenerationOptions(
      maxTokens: 1000, stopStrings: ["never said", "\u{1F600}"], ignoresEndTokens: true)
    request.sampling.repetitionPenalty = 1.1
    request.sampling.presencePenalty = 0.1
    request.sampling.frequencyPenalty = 0.1
    request.sampling.dryMultiplier = 0.8
    request.sampling.topNSigma = 3
    request.sampling.typicalP = 0.95
    request.sampling.xtcProbability = 0.3
    request.sampling.logitBias = [5: -1]
    #expect(try allocatingTokens(EngineOptions(threads: 1), request, tokens: 300) == 0)
  }
}
