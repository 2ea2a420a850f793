import Foundation
import Generation
import Testing

/// Layers left out for tokens that are sure early.
@Suite struct EarlyExitTests {
  private static let text = String(repeating: "One, two, three, four, ", count: 3) + "one, two,"

  private static func reply(
    _ options: EngineOptions, _ mode: DraftOptions.Mode = .off, text: String = text,
    scope: MemoryScope = .none
  ) async throws -> WholeReply {
    try await WholeReply(
      EmbeddedModel.engine(options).stream(
        .text(text),
        options: GenerationOptions(
          maxTokens: 200, sampling: .greedy, ignoresEndTokens: true, seed: 1, logprobs: 1,
          memory: MemoryOptions(scope: scope), drafts: DraftOptions(mode: mode))))
  }

  private static func bits(_ reply: WholeReply) -> [UInt32] {
    reply.tokens.map { $0.logprobs!.chosen.logprob.bitPattern }
  }

  private static let engines: [(EngineOptions, MemoryScope)] = [
    (EngineOptions(earlyExit: 0.6), .none),
    (EngineOptions(window: .sliding(tokens: 64), earlyExit: 0.6), .none),
    (
      EngineOptions(window: .sliding(tokens: 64), recall: RecallOptions(gate: 0), earlyExit: 0.6),
      .session
    ),
  ]

  @Test("which layers are left out depends on neither drafts nor chunks", arguments: 0..<3)
  func drafts(engine: Int) async throws {
    let (options, scope) = Self.engines[engine]
    let plain = try await Self.reply(options, scope: scope)
    let exits = try #require(plain.summary).exits
    #expect(exits.tokens > 20 && exits.tokens < 199)
    #expect(exits.layers >= 3 * exits.tokens && exits.layers <= 5 * exits.tokens)
    var others = [options, options, options]
    others[1].draftExit = .layer(6)
    others[2].prefillChunk = 7
    for other in others {
      let drafted = try await Self.reply(other, .always, scope: scope)
      #expect(drafted.tokens.map(\.id) == plain.tokens.map(\.id))
      #expect(Self.bits(drafted) == Self.bits(plain))
      #expect(drafted.summary?.exits == exits)
      #expect(try #require(drafted.summary).drafts.accepted > 20)
    }
  }

  @Test("replies at the same time leave out what they leave out alone")
  func together() async throws {
    let options = EngineOptions(earlyExit: 0.5)
    let texts = [Self.text, "Once upon a time there was a", "The old lighthouse"]
    var alone: [[UInt32]] = []
    for text in texts { alone.append(Self.bits(try await Self.reply(options, text: text))) }
    let engine = try EmbeddedModel.engine(options)
    let together = try await withThrowingTaskGroup(of: (Int, [UInt32]).self) { group in
      for (index, text) in texts.enumerated() {
        let stream = try engine.stream(
          .text(text),
          options: GenerationOptions(
            maxTokens: 200, sampling: .greedy, ignoresEndTokens: true, seed: 1, logprobs: 1,
            memory: MemoryOptions(scope: .none), drafts: DraftOptions(mode: .off)))
        group.addTask { (index, Self.bits(try await WholeReply(stream))) }
      }
      return try await group.reduce(into: [Int: [UInt32]]()) { $0[$1.0] = $1.1 }
    }
    for index in texts.indices { #expect(together[index] == alone[index]) }
  }

  @Test("nothing is left out unless it is asked for, and more is the lower the threshold")
  func thresholds() async throws {
    var counts: [Int] = []
    for threshold in [nil, 0.95, 0.7, 0.4] as [Float?] {
      let reply = try await Self.reply(
        EngineOptions(earlyExit: threshold), text: "Once upon a time there was a")
      counts.append(try #require(reply.summary).exits.tokens)
    }
    #expect(counts[0] == 0 && counts[1] < counts[2] && counts[2] < counts[3])
  }

  @Test("prompts are read with all layers, so that the first token is the same")
  func prompts() async throws {
    let (plain, early) = (
      try await Self.reply(EngineOptions()), try await Self.reply(EngineOptions(earlyExit: 0.3))
    )
    #expect(Self.bits(plain)[0] == Self.bits(early)[0])
    #expect(Self.bits(plain) != Self.bits(early))
  }

  @Test("an engine that leaves layers out never takes over blocks of one that does not")
  func identities() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    func cached(_ threshold: Float?) async throws -> Int {
      let engine = try EmbeddedModel.engine(
        EngineOptions(store: folder.path, earlyExit: threshold))
      let options = GenerationOptions(
        maxTokens: 4, sampling: .greedy, ignoresEndTokens: true,
        memory: MemoryOptions(scope: .session))
      let text = String(repeating: Self.text, count: 4)
      let reply = try await WholeReply(engine.stream(.text(text), options: options))
      return try #require(reply.summary).memory.cached
    }
    #expect(try await cached(nil) == 0)
    #expect(try await cached(0.6) == 0)
    #expect(try await cached(nil) > 0)
    #expect(try await cached(0.6) > 0)
  }
}
