import Generation
import Testing

/// What is seen to go wrong in replies of the embedded model.
@Suite struct QualityTests {
  /// Greedy and without penalties, the model cannot get away from its colour.
  private static let looping = Prompt.text("Once upon a time there was a little girl")

  private static func options(_ maxTokens: Int = 300) -> GenerationOptions {
    GenerationOptions(maxTokens: maxTokens, sampling: .greedy, ignoresEndTokens: true)
  }

  private static func reply(
    _ options: GenerationOptions, _ engine: Engine, _ prompt: Prompt = looping
  ) async throws -> (reply: WholeReply, summary: GenerationSummary) {
    let reply = try await WholeReply(engine.stream(prompt, options: options))
    return (reply, try #require(reply.summary))
  }

  @Test("a greedy loop is found where it is, and ends no reply that was not to end by it")
  func loop() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    let (reply, summary) = try await Self.reply(Self.options(), engine)
    #expect(summary.stopReason == .length && reply.tokens.count == 300)
    let finding = try #require(summary.quality.findings.first)
    #expect(finding.kind == .loop)
    let period = try #require(finding.period)
    let tokens = reply.tokens.map(\.id)
    let loop = finding.firstToken..<finding.firstToken + finding.tokens
    #expect(loop.count >= 64 && loop.count >= 3 * period)
    for index in loop.dropFirst(period) { #expect(tokens[index] == tokens[index - period]) }
    // It is whole: the tokens on either side are no part of it.
    #expect(tokens[loop.lowerBound - 1] != tokens[loop.lowerBound + period - 1])
    if loop.upperBound < tokens.count {
      #expect(tokens[loop.upperBound] != tokens[loop.upperBound - period])
    }
    #expect(try #require(summary.quality.entropy) > 0)
  }

  @Test("a reply that is to end by a loop ends with the token that makes it one")
  func stop() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true), usesMemo: true)
    let (whole, told) = try await Self.reply(Self.options(), engine)
    let found = try #require(told.quality.findings.first)
    var options = Self.options()
    options.qualityStop = [.loop]
    for mode in DraftOptions.Mode.allCases {
      options.drafts.mode = mode
      for usesMemo in [true, false] {
        options.usesMemo = usesMemo
        let (reply, summary) = try await Self.reply(options, engine)
        #expect(summary.stopReason == .degenerate)
        let count = found.firstToken + max(64, 3 * found.period!)
        #expect(reply.tokens.map(\.id) == whole.tokens.prefix(count).map(\.id))
        #expect(summary.generatedTokens == count)
        #expect(summary.isReplayed == (usesMemo && mode != DraftOptions.Mode.allCases[0]))
        let finding = try #require(summary.quality.findings.first)
        #expect(finding.kind == .loop && finding.firstToken == found.firstToken)
        #expect(finding.tokens == count - found.firstToken)
      }
    }
    // What is not asked for ends nothing.
    options.qualityStop = [.collapse, .explosion]
    #expect(try await Self.reply(options, engine).summary.stopReason == .length)
  }

  @Test("what is found does not depend on how many tokens a pass makes")
  func drafts() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    var accounts: [QualityAccount] = []
    for mode in DraftOptions.Mode.allCases {
      var options = Self.options()
      options.drafts.mode = mode
      accounts.append(try await Self.reply(options, engine).summary.quality)
    }
    #expect(accounts.allSatisfy { $0 == accounts[0] })
  }

  @Test("a search's reply is watched for loops too")
  func beams() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    var options = Self.options()
    options.beams = BeamOptions(width: 1)
    let (_, summary) = try await Self.reply(options, engine)
    #expect(summary.quality.findings.map(\.kind).contains(.loop))
    #expect(summary.quality.entropy == nil)
  }

  @Test("a conversation goes on behind a reply that was ended so")
  func conversation() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    let chat = try await engine.conversation(named: "loops")
    var options = Self.options()
    options.qualityStop = [.loop]
    // Whatever it says, it says it again.
    options.sampling.logitBias = [300: 100]
    let reply = try await WholeReply(chat.reply(to: "Hello", options: options))
    #expect(reply.summary?.stopReason == .degenerate && reply.tokens.count == 64)
    let next = try await WholeReply(
      chat.reply(to: "And now?", options: GenerationOptions(maxTokens: 5)))
    #expect(next.summary?.memory.reread == 0)
    #expect(try chat.messages().count == 4)
  }

  @Test("texts as people write them have no loops", arguments: OrdinaryText.all)
  func ordinary(text: String) async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    var monitor = QualityMonitor(vocabularySize: engine.tokenizer.vocabularySize)
    for token in engine.tokenizer.encode(text) { _ = monitor.note(token, entropy: nil) }
    #expect(monitor.account.findings.isEmpty)
  }

  @Test("the model's own sampled stories are not taken for gone wrong", arguments: 1...8)
  func stories(seed: UInt64) async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    let prompt = ["Once upon a time", "One day, a boy named Tom", "The dog", "Lily and Ben"]
    let options = GenerationOptions(maxTokens: 250, seed: seed)
    let (_, summary) = try await Self.reply(options, engine, .text(prompt[Int(seed % 4)]))
    #expect(summary.quality.findings.isEmpty, "seed \(seed)")
  }

  @Test(
    "a model that is sure of everything has collapsed, and one that knows nothing has exploded",
    arguments: [(1000, QualityKind.collapse), (0.01, .explosion)] as [(Float, QualityKind)])
  func entropies(certainty: Float, kind: QualityKind) async throws {
    try await TinyLlama.withFile(seed: 1, certainty: certainty) { path in
      let engine = try Engine(
        path: path, options: EngineOptions(window: .sliding(tokens: 32), blockLength: 16))
      var options = GenerationOptions(
        maxTokens: 200, sampling: .unmodified, ignoresEndTokens: true, seed: 1)
      let (_, summary) = try await Self.reply(options, engine, .tokens([1, 3, 4]))
      #expect(summary.stopReason == .length)
      let finding = try #require(summary.quality.findings.first { $0.kind == kind })
      #expect(finding.firstToken == 0 && finding.tokens == 193)
      options.qualityStop = [kind]
      let stopped = try await Self.reply(options, engine, .tokens([1, 3, 4])).summary
      #expect(stopped.stopReason == .degenerate && stopped.generatedTokens == 121)
    }
  }

  @Test("a reply far longer than those that the model has ended is endless")
  func endless() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(isExact: true))
    for seed in 0..<10 as Range<UInt64> {
      let options = GenerationOptions(maxTokens: 200, seed: seed)
      _ = try await Self.reply(options, engine, .chat([.user("Hello!")]))
    }
    var options = GenerationOptions(maxTokens: 600, seed: 1)
    for token in engine.tokenizer.endTokens { options.sampling.logitBias[token] = -.infinity }
    let (_, summary) = try await Self.reply(options, engine)
    let finding = try #require(summary.quality.findings.first { $0.kind == .endless })
    #expect(finding.firstToken >= 256 && finding.firstToken + finding.tokens == 600)
    options.qualityStop = [.endless]
    let stopped = try await Self.reply(options, engine).summary
    #expect(stopped.stopReason == .degenerate)
    #expect(stopped.generatedTokens == finding.firstToken + 1)
    // Who wants no end has none that could be too late.
    options.ignoresEndTokens = true
    let wanted = try await Self.reply(options, engine).summary
    #expect(wanted.generatedTokens == 600)
  }

  @Test("a loop that fills the context is endless, unless no end was wanted")
  func fullContext() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 256))
    var options = GenerationOptions(sampling: .greedy)
    options.sampling.logitBias = [300: 100]
    for ignoresEndTokens in [false, true] {
      options.ignoresEndTokens = ignoresEndTokens
      let (_, summary) = try await Self.reply(options, engine)
      #expect(summary.stopReason == .contextFull)
      #expect(
        summary.quality.findings.map(\.kind) == (ignoresEndTokens ? [.loop] : [.loop, .endless]))
    }
  }
}
