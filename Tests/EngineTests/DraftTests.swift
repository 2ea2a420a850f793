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
    repeating: "The little fox ran to the lake. The hen sat by the lake and sang a song. ", count: 6
  )

  /// Text that the model goes on with as it is, so that most guesses are right.
  private static let counting =
    String(repeating: "One, two, three, four, ", count: 3) + "one, two,"

  private static func options(
    _ mode: DraftOptions.Mode, sampling: SamplingOptions = .greedy, maxTokens: Int? = 150,
    scope: MemoryScope = .none, session: String? = nil
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
      EmbeddedModel.engine().stream(.text(Self.counting), options: Self.options(.always)))
    let account = try #require(reply.summary).drafts
    #expect(account.accepted > account.drafted / 2)
    #expect(try #require(account.tokensPerPass) > 4)
    #expect(account.lookup.drafted == account.drafted)
    #expect(account.lookup.accepted == account.accepted)
  }

  /// A reply whose beginning goes through long accepted drafts.
  private static func tokens(_ engine: Engine) async throws -> [GeneratedToken] {
    try await WholeReply(engine.stream(.text(counting), options: options(.off))).tokens
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
        return try await WholeReply(engine.stream(.text(Self.counting), options: options))
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
          engine.stream(.text(Self.counting), options: Self.options(mode, maxTokens: count)))
      }
      let expected = try await reply(.off)
      #expect(expected.tokens.count == count)
      #expect(Trace(try await reply(.always)) == Trace(expected))
    }
  }

  @Test("a full context ends the reply where it would without drafts")
  func contextFull() async throws {
    let length = try EmbeddedModel.engine().tokenizer.encode(Self.counting).count
    for extra in 1...12 {
      let engine = try EmbeddedModel.engine(EngineOptions(contextLength: length + extra))
      func reply(_ mode: DraftOptions.Mode) async throws -> WholeReply {
        try await WholeReply(
          engine.stream(.text(Self.counting), options: Self.options(mode, maxTokens: nil)))
      }
      let expected = try await reply(.off)
      #expect(expected.summary?.stopReason == .contextFull)
      #expect(expected.tokens.count == extra + 1)
      #expect(Trace(try await reply(.always)) == Trace(expected))
    }
  }

  @Test("an end token in a draft ends the reply, and nothing is said behind it")
  func endTokens() async throws {
    // Nothing is recalled, so that the same question has the same answer.
    let engine = try EmbeddedModel.engine(
      EngineOptions(window: .sliding(tokens: 512), recall: RecallOptions(blocks: 0)))
    let question = ChatMessage.user("Hello! How are you?")
    func reply(_ prompt: [ChatMessage], _ options: GenerationOptions) async throws -> WholeReply {
      var options = options
      options.ignoresEndTokens = false
      return try await WholeReply(engine.stream(.chat(prompt), options: options))
    }
    let answer = try await reply([question], Self.options(.off)).text
    // Said in a conversation that goes on, so that its end is remembered, too.
    _ = try await reply(
      [question, .assistant(answer), .user("Thank you.")],
      Self.options(.off, maxTokens: 0, scope: .namespace, session: "told"))
    let expected = try await reply([question], Self.options(.off, scope: .namespace))
    #expect(expected.summary?.stopReason == .endOfText && expected.text == answer)
    let drafted = try await reply([question], Self.options(.always, scope: .namespace))
    #expect(Trace(drafted) == Trace(expected))
    // Every pass gives one token beyond its guesses, except for one whose guess is the end.
    let account = try #require(drafted.summary).drafts
    #expect(account.accepted + account.passes == account.tokens + 1, "\(account)")
    #expect(account.continuations.accepted > account.tokens / 2)
  }

  @Test("two replies read in turns draft each for itself")
  func interleaved() async throws {
    let engine = try EmbeddedModel.engine()
    let prompts = [Self.story, Self.counting]
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
    let beginning = try await Self.tokens(engine).prefix(30).map(\.text).joined()
    for count in [1, 2, 3, 5, 8, 13, 21] {
      func reply(_ mode: DraftOptions.Mode) async throws -> Trace {
        var options = Self.options(mode)
        // It begins as the reply does and then differs, so that its text is held back.
        options.stopStrings = [beginning + "never"]
        let stream = try engine.stream(.text(Self.counting), options: options)
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

  /// What a session has left, in order: each passage's id, which stands for all that its block depends
  /// on, and its tokens.
  private static func passages(_ engine: Engine) async throws -> [StoredPassage] {
    guard
      let any = await engine.memory.search("fox lake hen sang", in: "default", limit: 1).first
    else { return [] }
    var place = try await engine.memory.passage(any.passage.id, in: "default")
    while let previous = place.previous {
      place = try await engine.memory.passage(previous, in: "default")
    }
    var passages = [place.passage]
    while let next = place.next.first {
      place = try await engine.memory.passage(next, in: "default")
      passages.append(place.passage)
    }
    return passages
  }

  @Test(
    "memory is left the same tokens under the same identities, however a reply ends",
    arguments: [Window.full, .sliding(tokens: 128)], [0, 1, 2, 3])
  func identities(window: Window, ending: Int) async throws {
    func left(_ mode: DraftOptions.Mode) async throws -> [[TokenID]: String] {
      let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
      defer { try? FileManager.default.removeItem(at: folder) }
      let engine = try EmbeddedModel.engine(EngineOptions(window: window, store: folder.path))
      func run() async throws -> DraftAccount? {
        var options = Self.options(mode, scope: .session, session: "told")
        switch ending {
        case 0: options.maxTokens = 140
        case 1: options.stopStrings = ["three, four, one, two, three, four, one, two, three"]
        case 2: options.maxTokens = 27
        default: break
        }
        let prompt = Prompt.text(Self.story + Self.counting)
        // The last one leaves in the middle of a draft.
        return try await WholeReply(
          engine.stream(prompt, options: options), limit: ending == 3 ? 30 : .max
        ).summary?.drafts
      }
      let account = try await run()
      if let account, mode == .always { #expect(account.accepted > 5, "\(account)") }
      // What was left is kept soon after.
      var passages = try await Self.passages(engine)
      for _ in 0..<400 where passages.isEmpty {
        try await Task.sleep(for: .milliseconds(5))
        passages = try await Self.passages(engine)
      }
      return Dictionary(uniqueKeysWithValues: passages.map { ($0.tokens, $0.id) })
    }
    let expected = try await left(.off)
    #expect(expected.count > 2)
    #expect(try await left(.always) == expected)
  }

  @Test("what other sessions said drafts within their namespace, and never in another")
  func namespaces() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    // Nothing is recalled, so that the same prompt is gone on with in the same way.
    let kept = EngineOptions(
      window: .sliding(tokens: 256), recall: RecallOptions(blocks: 0), store: folder.path)
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
