import Foundation
import Generation
import Testing

/// Drafts of a second model and of the first layers: replies must be what they are without.
@Suite struct ComputedDraftTests {
  /// Who computes drafts.
  enum Guesser: CaseIterable {
    case sameModel, shallowModel, exit, someExit, exitsAndModel

    func set(_ options: inout EngineOptions, shallow: String) {
      switch self {
      case .sameModel: options.draftModel = EmbeddedModel.path
      case .shallowModel: options.draftModel = shallow
      case .exit: options.draftExit = .layer(6)
      case .someExit: options.draftExit = .automatic
      case .exitsAndModel: (options.draftModel, options.draftExit) = (shallow, .automatic)
      }
    }
  }

  private static let story = String(
    repeating: "The little fox ran to the lake. The hen sat by the lake and sang a song. ", count: 5
  )

  private static let samplings: [SamplingOptions] = {
    var everything = SamplingOptions(temperature: 0.8)
    everything.repetitionPenalty = 1.1
    everything.dryMultiplier = 0.8
    everything.xtcProbability = 0.2
    return [.greedy, SamplingOptions(temperature: 0.7), everything]
  }()

  private static let engines: [(name: String, options: EngineOptions, scope: MemoryScope)] = [
    ("full", EngineOptions(), .none),
    ("sliding", EngineOptions(window: .sliding(tokens: 128)), .none),
    ("with recall", EngineOptions(window: .sliding(tokens: 128)), .session),
    ("one row at a time", EngineOptions(window: .sliding(tokens: 100), prefillChunk: 3), .none),
  ]

  private static func request(
    _ mode: DraftOptions.Mode, sampling: SamplingOptions = .greedy, maxTokens: Int = 200,
    scope: MemoryScope = .none, seed: UInt64 = 5
  ) -> GenerationOptions {
    GenerationOptions(
      maxTokens: maxTokens, sampling: sampling, ignoresEndTokens: true, seed: seed, logprobs: 1,
      memory: MemoryOptions(scope: scope), drafts: DraftOptions(mode: mode, most: 5))
  }

  private static func isSame(_ a: WholeReply, _ b: WholeReply) -> Bool {
    a.tokens.map(\.id) == b.tokens.map(\.id) && a.text == b.text
      && a.tokens.map { $0.logprobs!.chosen.logprob.bitPattern }
        == b.tokens.map { $0.logprobs!.chosen.logprob.bitPattern }
      && a.summary?.stopReason == b.summary?.stopReason
      && a.summary?.memory == b.summary?.memory
      && a.summary?.evictedTokens == b.summary?.evictedTokens
      && a.summary?.keyValueBytes == b.summary?.keyValueBytes
  }

  @Test(
    "a reply is the same whoever guesses, greedy and seeded, in every window",
    arguments: Guesser.allCases, 0..<4)
  func identical(guesser: Guesser, engine: Int) async throws {
    try await DraftModelFile.shallow(layers: 3) { shallow in
      let (name, plain, scope) = Self.engines[engine]
      var options = plain
      guesser.set(&options, shallow: shallow)
      for sampling in Self.samplings {
        func reply(_ mode: DraftOptions.Mode, _ options: EngineOptions) async throws -> WholeReply {
          let engine = try EmbeddedModel.engine(options)
          let request = Self.request(mode, sampling: sampling, scope: scope)
          return try await WholeReply(engine.stream(.text(Self.story), options: request))
        }
        let expected = try await reply(.off, plain)
        let drafted = try await reply(.always, options)
        #expect(Self.isSame(drafted, expected), "\(name)")
        let account = try #require(drafted.summary).drafts
        #expect(account.model.drafted + account.exit.drafted > 20, "\(account)")
        #expect(account.passes + account.accepted == account.tokens, "\(account)")
        #expect(Self.isSame(try await reply(.automatic, options), expected), "\(name)")
        #expect(try await reply(.off, options).summary?.drafts == DraftAccount())
      }
    }
  }

  @Test(
    "a draft model that thinks as the model does is always right, also at a temperature",
    arguments: [SamplingOptions.greedy, SamplingOptions(temperature: 1)])
  func agreement(sampling: SamplingOptions) async throws {
    var options = EngineOptions(isExact: true)
    options.draftModel = EmbeddedModel.path
    var request = Self.request(.always, sampling: sampling, maxTokens: 150)
    request.drafts.sources = [.model]
    let reply = try await WholeReply(
      EmbeddedModel.engine(options).stream(.text("Once upon a time"), options: request))
    let account = try #require(reply.summary).drafts
    #expect(account.model.accepted == account.model.drafted && account.model.drafted > 100)
    #expect(account.model.passes == account.draftPasses && account.model.time > .zero)
    #expect(try #require(account.tokensPerPass) > 5)
  }

  @Test("replies at the same time are drafted together, and say what they say alone")
  func together() async throws {
    try await DraftModelFile.shallow(layers: 4) { shallow in
      var options = EngineOptions(maxSequences: 3)
      options.draftModel = shallow
      options.draftExit = .layer(5)
      let prompts = ["Once upon a time", "The old lighthouse", "One, two, three,"]
      let plain = try EmbeddedModel.engine()
      // More rounds than sequences, so that the draft model's are taken over.
      let engine = try EmbeddedModel.engine(options)
      for round in 0..<3 as Range<UInt64> {
        var alone: [[TokenID]] = []
        for prompt in prompts {
          let request = Self.request(.off, maxTokens: 60, seed: round)
          alone.append(
            try await WholeReply(plain.stream(.text(prompt), options: request)).tokens.map(\.id))
        }
        let together = try await withThrowingTaskGroup(of: (Int, WholeReply).self) { group in
          for (index, prompt) in prompts.enumerated() {
            let request = Self.request(.always, maxTokens: 60, seed: round)
            let stream = try engine.stream(.text(prompt), options: request)
            group.addTask { (index, try await WholeReply(stream)) }
          }
          return try await group.reduce(into: [Int: WholeReply]()) { $0[$1.0] = $1.1 }
        }
        for index in prompts.indices {
          #expect(together[index]?.tokens.map(\.id) == alone[index], "round \(round)")
          let drafts = try #require(together[index]?.summary?.drafts)
          #expect(drafts.model.drafted > 0 && drafts.exit.drafted > 0)
        }
      }
    }
  }

  @Test("what is drafted leaves the distribution as it is", arguments: Guesser.allCases)
  func distribution(guesser: Guesser) async throws {
    try await DraftModelFile.shallow(layers: 3) { shallow in
      var options = EngineOptions(threads: 1, contextLength: 64)
      guesser.set(&options, shallow: shallow)
      let engine = try EmbeddedModel.engine(options)
      let prompt = engine.tokenizer.encode("Once upon a time there was a")
      var sampling = SamplingOptions(temperature: 1)
      (sampling.topK, sampling.topP, sampling.minP) = (3, 1, 0)

      // Three tokens deep: the second and third are a draft's where it is right.
      let counts = 1500
      var seen: [[TokenID]: Int] = [:]
      var accepted = 0
      for seed in 0..<UInt64(counts) {
        var request = Self.request(.always, sampling: sampling, maxTokens: 4, seed: seed)
        request.drafts.sources.remove(.lookup)
        let reply = try await WholeReply(engine.stream(.tokens(prompt), options: request))
        seen[reply.tokens.prefix(3).map(\.id), default: 0] += 1
        accepted += reply.summary?.drafts.accepted ?? 0
      }
      #expect(accepted > counts / 20, "\(accepted)")

      var expected: [[TokenID]: Double] = [[]: Double(counts)]
      for _ in 0..<3 {
        var longer: [[TokenID]: Double] = [:]
        for (text, weight) in expected {
          for (token, probability) in try await Self.top(3, after: prompt + text, engine) {
            longer[text + [token]] = weight * probability
          }
        }
        expected = longer
      }
      #expect(seen.keys.allSatisfy { expected[$0] != nil })
      // Cells that are hardly ever hit count as one.
      var (statistic, cells, rest) = (0.0, 0, (seen: 0.0, expected: 0.0))
      for (text, mean) in expected {
        let count = Double(seen[text] ?? 0)
        guard mean >= 5 else {
          rest = (rest.seen + count, rest.expected + mean)
          continue
        }
        statistic += (count - mean) * (count - mean) / mean
        cells += 1
      }
      if rest.expected > 1 {
        statistic += (rest.seen - rest.expected) * (rest.seen - rest.expected) / rest.expected
        cells += 1
      }
      // Beyond four standard deviations of chi-square with so many cells.
      let freedom = Double(cells - 1)
      #expect(statistic < freedom + 4 * (2 * freedom).squareRoot(), "\(statistic) for \(cells)")
      #expect(cells > 8)
    }
  }

  /// The likeliest tokens after a text, with their shares of each other.
  private static func top(
    _ count: Int, after tokens: [TokenID], _ engine: Engine
  ) async throws -> [(TokenID, Double)] {
    let all = Collected()
    try await engine.logits(of: tokens, memory: MemoryOptions(scope: .none)) { index, logits in
      guard index == tokens.count - 1 else { return }
      all.logits = logits.indices.map { logits[$0] }
    }
    let best = all.logits.enumerated().sorted { $0.element > $1.element }.prefix(count)
    let weights = best.map { exp(Double($0.element - best.first!.element)) }
    return zip(best, weights).map { (TokenID($0.offset), $1 / weights.reduce(0, +)) }
  }

  /// Written on the engine's thread before it answers.
  private final class Collected: @unchecked Sendable {
    var logits: [Float] = []
  }

  @Test("a draft model with another vocabulary is refused by the first token that differs")
  func vocabulary() async throws {
    try await DraftModelFile.misspelt { path in
      do {
        _ = try EmbeddedModel.engine(EngineOptions(draftModel: path))
        Issue.record("it was taken")
      } catch let error as EngineError {
        #expect(error.code == .options)
        #expect(error.message.contains(path) && error.message.contains(EmbeddedModel.path))
        #expect(error.message.contains("Xephant' there") && error.message.contains("lephant' here"))
      }
    }
    #expect(throws: EngineError.self) {
      _ = try EmbeddedModel.engine(EngineOptions(draftModel: "/nowhere.gguf"))
    }
  }

  @Test("layers that the model has not, and probabilities that are none, are refused by name")
  func refused() throws {
    for layer in [0, 10, -1] {
      #expect {
        try EmbeddedModel.engine(EngineOptions(draftExit: .layer(layer)))
      } throws: { ($0 as? EngineError)?.message.contains("draftExit") == true }
    }
    for probability in [0, 1.5, -0.1, Float.nan] {
      #expect {
        try EmbeddedModel.engine(EngineOptions(earlyExit: probability))
      } throws: { ($0 as? EngineError)?.message.contains("earlyExit") == true }
    }
  }

  @Test("a draft model's weights count")
  func weights() throws {
    let (one, two) = (
      try EmbeddedModel.engine(),
      try EmbeddedModel.engine(EngineOptions(draftModel: EmbeddedModel.path))
    )
    #expect(two.weightBytes == 2 * one.weightBytes)
  }
}
