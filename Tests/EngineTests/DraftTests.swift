import Foundation
import Generation
import Testing

/// Replies with drafts against replies without: they must agree in everything but the number of passes.
@Suite struct DraftTests {
  /// What two replies have to agree in.
  private struct Trace: Equatable {
    var tokens: [TokenID]
    var texts: [String]
    /// The bits of each token's score.
    var scores: [UInt32]
    var stopReason: StopReason?
    var trailingText: String?
    var generated: Int?
    var evicted: Int?
    var keyValueBytes: Int?
    var memory: MemoryAccount?

    init(_ reply: WholeReply) {
      tokens = reply.tokens.map(\.id)
      texts = reply.tokens.map(\.text)
      scores = reply.tokens.map { $0.logprobs!.chosen.logprob.bitPattern }
      stopReason = reply.summary?.stopReason
      trailingText = reply.summary?.trailingText
      generated = reply.summary?.generatedTokens
      evicted = reply.summary?.evictedTokens
      keyValueBytes = reply.summary?.keyValueBytes
      memory = reply.summary?.memory
    }
  }

  /// Text that says the same again and again, so that there is something to guess from.
  private static let story = String(
    repeating: "The little fox ran to the lake. The hen sat by the lake and sang a song. ", count: 6)

  private static func options(
    _ mode: DraftOptions.Mode, sampling: SamplingOptions = .greedy, maxTokens: Int? = 150,
    scope: MemoryScope = .session, session: String? = nil
  ) -> GenerationOptions {
    GenerationOptions(
      maxTokens: maxTokens, sampling: sampling, ignoresEndTokens: true, seed: 5, logprobs: 1,
      memory: MemoryOptions(scope: scope, session: session), drafts: DraftOptions(mode: mode))
  }

  private static let samplings: [SamplingOptions] = {
    var everything = SamplingOptions(temperature: 0.8)
    everything.repetitionPenalty = 1.1
    everything.dryMultiplier = 0.8
    everything.typicalP = 0.95
    everything.xtcProbability = 0.2
    return [.greedy, SamplingOptions(temperature: 0.7), everything]
  }()

  private static let engines: [(name: String, options: EngineOptions, scope: MemoryScope)] = [
    ("full", EngineOptions(), .session), ("full, nothing kept", EngineOptions(), .none),
    ("sliding", EngineOptions(window: .sliding(tokens: 128)), .none),
    ("with recall", EngineOptions(window: .sliding(tokens: 128)), .session),
    ("one row at a time", EngineOptions(window: .sliding(tokens: 100), prefillChunk: 3), .none),
  ]

  @Test(
    "a reply is the same with drafts and without, greedy and seeded, in every window",
    arguments: 0..<5, 0..<3)
  func identical(engine: Int, sampling: Int) async throws {
    let (name, options, scope) = Self.engines[engine]
    func reply(_ mode: DraftOptions.Mode) async throws -> WholeReply {
      let request = Self.options(
        mode, sampling: Self.samplings[sampling], maxTokens: 300, scope: scope)
      return try await WholeReply(
        EmbeddedModel.engine(options).stream(.text(Self.story), options: request))
    }
    let expected = try await reply(.off)
    let drafted = try await reply(.always)
    #expect(Trace(drafted) == Trace(expected), "\(name)")
    let account = try #require(drafted.summary).drafts
    #expect(account.drafted > 20 && account.tokens == 299)
    #expect(account.passes + account.accepted == account.tokens)
    #expect(try #require(expected.summary).drafts == DraftAccount())
    #expect(Trace(try await reply(.automatic)) == Trace(expected))
  }

  @Test("what copies itself takes fewer passes than tokens")
  func pays() async throws {
    let reply = try await WholeReply(
      EmbeddedModel.engine().stream(.text(Self.story), options: Self.options(.always)))
    let account = try #require(reply.summary).drafts
    #expect(account.accepted > account.drafted / 2)
    #expect(try #require(account.tokensPerPass) > 2)
    #expect(account.lookup == .init(drafted: account.drafted, accepted: account.accepted))
  }

  /// A reply whose beginning goes through long accepted drafts.
  private static func tokens(_ engine: Engine) async throws -> [GeneratedToken] {
    try await WholeReply(engine.stream(.text(story), options: options(.off))).tokens
  }

  @Test("a stop string anywhere in a draft ends the reply as it would without")
  func stopStrings() async throws {
    let engine = try EmbeddedModel.engine()
    let whole = try await Self.tokens(engine).map(\.text).joined()
    for start in stride(from: 3, to: 90, by: 7) {
      let stop = String(whole.dropFirst(start).prefix(5))
      func reply(_ mode: DraftOptions.Mode) async throws -> WholeReply {
        var options = Self.options(mode)
        options.stopStrings = [stop]
        return try await WholeReply(engine.stream(.text(Self.story), options: options))
      }
      let expected = try await reply(.off)
      #expect(expected.summary?.stopReason == .stopString)
      #expect(Trace(try await reply(.always)) == Trace(expected), "at \(start)")
    }
  }

  @Test("the most tokens asked for are generated and no more, wherever that is in a draft")
  func lengths() async throws {
    let engine = try EmbeddedModel.engine()
    for count in 0...24 {
      func reply(_ mode: DraftOptions.Mode) async throws -> WholeReply {
        try await WholeReply(
          engine.stream(.text(Self.story), options: Self.options(mode, maxTokens: count)))
      }
      let expected = try await reply(.off)
      #expect(expected.tokens.count == count)
      #expect(Trace(try await reply(.always)) == Trace(expected))
    }
  }

  @Test("a full context ends the reply where it would without drafts")
  func contextFull() async throws {
    let length = try EmbeddedModel.engine().tokenizer.encode(Self.story).count
    for extra in 1...12 {
      let engine = try EmbeddedModel.engine(EngineOptions(contextLength: length + extra))
      func reply(_ mode: DraftOptions.Mode) async throws -> WholeReply {
        try await WholeReply(
          engine.stream(.text(Self.story), options: Self.options(mode, maxTokens: nil)))
      }
      let expected = try await reply(.off)
      #expect(expected.summary?.stopReason == .contextFull)
      #expect(expected.tokens.count == extra + 1)
      #expect(Trace(try await reply(.always)) == Trace(expected))
    }
  }

  @Test("an end token in a draft ends the reply, and nothing is said behind it")
  func endTokens() async throws {
    let engine = try EmbeddedModel.engine()
    // A conversation whose every answer is the same, end of turn included.
    var messages: [ChatMessage] = []
    for _ in 0..<6 { messages += [.user("Say hello."), .assistant("Hello, my dear friend.")] }
    messages.append(.user("Say hello."))
    func reply(_ mode: DraftOptions.Mode) async throws -> WholeReply {
      var options = Self.options(mode)
      options.ignoresEndTokens = false
      return try await WholeReply(engine.stream(.chat(messages), options: options))
    }
    let expected = try await reply(.off)
    #expect(expected.summary?.stopReason == .endOfText)
    let drafted = try await reply(.always)
    #expect(Trace(drafted) == Trace(expected))
    #expect(try #require(drafted.summary).drafts.accepted > 0)
  }

  @Test("two replies read in turns draft each for itself")
  func interleaved() async throws {
    let engine = try EmbeddedModel.engine()
    let prompts = [Self.story, "One, two, three, one, two, three, one, two, three, one,"]
    var alone: [[TokenID]] = []
    for prompt in prompts {
      alone.append(
        try await WholeReply(engine.stream(.text(prompt), options: Self.options(.off))).tokens
          .map(\.id))
    }
    var iterators = try prompts.map {
      try engine.stream(.text($0), options: Self.options(.always)).makeAsyncIterator()
    }
    var tokens: [[TokenID]] = [[], []]
    for _ in 0..<150 {
      for index in 0..<2 {
        if case .token(let token) = try await iterators[index].next() {
          tokens[index].append(token.id)
        }
      }
    }
    #expect(tokens == alone)
  }

  @Test("a reply cancelled in a draft has said and shown what it would have without")
  func cancelled() async throws {
    let engine = try EmbeddedModel.engine()
    for count in [1, 2, 3, 5, 8, 13, 21] {
      func reply(_ mode: DraftOptions.Mode) async throws -> Trace {
        var options = Self.options(mode)
        // It begins as the reply does and then differs, so that its text is held back.
        options.stopStrings = ["The little fox ran to the lake. The hen never"]
        let stream = try engine.stream(.text(Self.story), options: options)
        return try await Task {
          var reply = WholeReply()
          for try await event in stream {
            switch event {
            case .token(let token):
              reply.tokens.append(token)
              if reply.tokens.count == count { withUnsafeCurrentTask { $0?.cancel() } }
            case .finished(let summary): reply.summary = summary
            }
          }
          return Trace(reply)
        }.value
      }
      let expected = try await reply(.off)
      #expect(expected.stopReason == .cancelled && expected.generated == count)
      #expect(try await reply(.always) == expected)
    }
  }

  /// What a session has left: each passage's id, which stands for all that its block depends on, and
  /// its tokens.
  private static func passages(_ engine: Engine) async throws -> [String: [TokenID]] {
    let found = await engine.memory.search("fox lake hen song", in: "default", limit: 1000)
    return Dictionary(uniqueKeysWithValues: found.map { ($0.passage.id, $0.passage.tokens) })
  }

  @Test(
    "memory is left the same tokens under the same identities, however a reply ends",
    arguments: [Window.full, .sliding(tokens: 128)], [0, 1, 2, 3])
  func identities(window: Window, ending: Int) async throws {
    func left(_ mode: DraftOptions.Mode) async throws -> [String: [TokenID]] {
      let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
      defer { try? FileManager.default.removeItem(at: folder) }
      let engine = try EmbeddedModel.engine(EngineOptions(window: window, store: folder.path))
      var options = Self.options(mode, session: "told")
      switch ending {
      case 0: options.maxTokens = 140
      case 1: options.stopStrings = ["sang a song. The little fox ran to the"]
      case 2: options.maxTokens = 27
      default: break
      }
      let stream = try engine.stream(.text(Self.story), options: options)
      // The last one leaves in the middle of a draft; what it has made is kept soon after.
      _ = try await WholeReply(stream, limit: ending == 3 ? 30 : .max)
      for _ in 0..<400 where ending == 3 {
        if try await !Self.passages(engine).isEmpty { break }
        try await Task.sleep(for: .milliseconds(5))
      }
      return try await Self.passages(engine)
    }
    let expected = try await left(.off)
    #expect(expected.count > 2)
    #expect(try await left(.always) == expected)
  }

  @Test("what other sessions said drafts within their namespace, and never in another")
  func namespaces() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    var kept = EngineOptions(window: .sliding(tokens: 256))
    kept.store = folder.path
    let prompt = Prompt.text("Once upon a time there was a")
    func reply(
      _ engine: Engine, _ mode: DraftOptions.Mode, in namespace: String, session: String,
      scope: MemoryScope = .namespace
    ) async throws -> WholeReply {
      var options = Self.options(mode, scope: scope, session: session)
      options.memory.namespace = namespace
      return try await WholeReply(engine.stream(prompt, options: options))
    }
    let engine = try EmbeddedModel.engine(kept)
    let first = try await reply(engine, .off, in: "mine", session: "first")
    // In the same process, and after a restart.
    for engine in [engine, try EmbeddedModel.engine(kept)] {
      let again = try await reply(engine, .always, in: "mine", session: "again")
      let plain = try await reply(engine, .off, in: "mine", session: "again")
      #expect(Trace(again).tokens == Trace(plain).tokens)
      #expect(Trace(again).scores == Trace(plain).scores)
      let account = try #require(again.summary).drafts
      #expect(account.continuations.accepted > 20, "\(account)")

      let strange = try await reply(engine, .always, in: "theirs", session: "again")
      #expect(strange.summary?.drafts.continuations == .init())
      let alone = try await reply(
        engine, .always, in: "mine", session: "alone", scope: .session)
      #expect(alone.summary?.drafts.continuations == .init())
      #expect(first.tokens.count == 150)
    }
    _ = try await engine.memory.forget(.everything, in: "mine")
    let forgotten = try await reply(engine, .always, in: "mine", session: "later")
    #expect(forgotten.summary?.drafts.continuations == .init())
  }

  @Test("numbers of guesses that make no sense are refused by name")
  func refused() throws {
    let engine = try EmbeddedModel.engine()
    for most in [0, -1, 32] {
      var options = Self.options(.automatic)
      options.drafts.most = most
      do {
        _ = try engine.stream(.text("a"), options: options)
        Issue.record("\(most) was taken")
      } catch {
        #expect(error.code == .options && error.message.contains("draftMax"))
      }
    }
  }
}
