import Foundation
import Generation
import Testing

/// Which options tell requests apart, one by one.
@Suite struct RequestKeyTests {
  struct Change<Options>: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let apply: @Sendable (inout Options) -> Void

    init(_ name: String, _ apply: @escaping @Sendable (inout Options) -> Void) {
      (testDescription, self.apply) = (name, apply)
    }
  }

  private static let drawn = GenerationOptions(maxTokens: 30, seed: 1)
  private static let greedy = GenerationOptions(maxTokens: 30, sampling: .greedy)

  private static func key(
    _ options: GenerationOptions, _ prompt: Prompt = .text("Once upon a time"),
    of engine: Engine? = nil
  ) async throws -> RequestKey? {
    let engine = try engine ?? EmbeddedModel.engine()
    return try await engine.requestKey(of: prompt, options: options)
  }

  // MARK: - Options of a reply

  private static let shaping: [Change<GenerationOptions>] = [
    Change("topK") { $0.sampling.topK = 3 },
    Change("topP") { $0.sampling.topP = 0.5 },
    Change("minP") { $0.sampling.minP = 0.3 },
    Change("typicalP") { $0.sampling.typicalP = 0.5 },
    Change("topNSigma") { $0.sampling.topNSigma = 1 },
    Change("xtcProbability") { $0.sampling.xtcProbability = 0.5 },
    Change("xtcThreshold") { $0.sampling.xtcThreshold = 0.2 },
    Change("minKeep") { $0.sampling.minKeep = 2 },
    Change("seed") { $0.seed = 2 },
  ]

  private static let always: [Change<GenerationOptions>] = [
    Change("maxTokens") { $0.maxTokens = 31 },
    Change("no maxTokens") { $0.maxTokens = nil },
    Change("repetitionPenalty") { $0.sampling.repetitionPenalty = 1.2 },
    Change("repetitionWindow") { $0.sampling.repetitionWindow = 8 },
    Change("presencePenalty") { $0.sampling.presencePenalty = 0.5 },
    Change("frequencyPenalty") { $0.sampling.frequencyPenalty = 0.5 },
    Change("dryMultiplier") { $0.sampling.dryMultiplier = 0.8 },
    Change("dryBase") { $0.sampling.dryBase = 2 },
    Change("dryAllowedLength") { $0.sampling.dryAllowedLength = 4 },
    Change("dryPenaltyLastN") { $0.sampling.dryPenaltyLastN = 9 },
    Change("drySequenceBreakers") { $0.sampling.drySequenceBreakers = ["."] },
    Change("logitBias") { $0.sampling.logitBias = [5: 1] },
    Change("a stop string") { $0.stopStrings = ["the end"] },
    Change("two stop strings") { $0.stopStrings = ["the", " end"] },
    // Equal texts to Swift, of other bytes.
    Change("stop string é") { $0.stopStrings = ["\u{E9}"] },
    Change("stop string e and accent") { $0.stopStrings = ["e\u{301}"] },
    Change("ignoresEndTokens") { $0.ignoresEndTokens = true },
    Change("logprobs") { $0.logprobs = 1 },
    Change("stopping on loops") { $0.qualityStop = [.loop] },
    Change("stopping on more") { $0.qualityStop = [.loop, .collapse] },
    Change("scope") { $0.memory.scope = .none },
    Change("namespace") { $0.memory.namespace = "other" },
    Change("leaving nothing") { $0.memory.session = "" },
    Change("beams") { $0.beams = BeamOptions() },
    Change("width") { $0.beams = BeamOptions(width: 5) },
    Change("best") { $0.beams = BeamOptions(best: 2) },
    Change("lengthPenalty") { $0.beams = BeamOptions(lengthPenalty: 0.5) },
    Change("groups") { $0.beams = BeamOptions(groups: 2, diversityPenalty: 0.5) },
    Change("diversityPenalty") { $0.beams = BeamOptions(groups: 2, diversityPenalty: 0.7) },
    Change("stopping") { $0.beams = BeamOptions(stopping: .first) },
  ]

  private static let never: [Change<GenerationOptions>] = [
    Change("drafts") { $0.drafts.mode = .off },
    Change("draftMax") { $0.drafts.most = 3 },
    Change("priority") { $0.priority = .background },
    Change("deadline") { $0.deadline = .seconds(100) },
  ]

  @Test("everything that has a say in a reply tells requests apart, and no two of it alike")
  func matters() async throws {
    let engine = try EmbeddedModel.engine()
    for base in [Self.drawn, Self.greedy] {
      let changes = base == Self.drawn ? Self.always + Self.shaping : Self.always
      var names = [try #require(try await Self.key(base, of: engine)): "nothing"]
      for change in changes {
        var options = base
        change.apply(&options)
        let key = try #require(try await Self.key(options, of: engine), "\(change.testDescription)")
        #expect(names[key] == nil, "\(change.testDescription) is as \(names[key] ?? "")")
        names[key] = change.testDescription
      }
    }
  }

  @Test("what changes no bit does not tell requests apart", arguments: never)
  func doesNotMatter(change: Change<GenerationOptions>) async throws {
    let engine = try EmbeddedModel.engine()
    for base in [Self.drawn, Self.greedy] {
      var options = base
      change.apply(&options)
      let key = try await Self.key(options, of: engine)
      #expect(key != nil)
      #expect(try await Self.key(base, of: engine) == key)
    }
  }

  @Test("where nothing is drawn, neither seed nor what shapes a draw matters", arguments: shaping)
  func greedy(change: Change<GenerationOptions>) async throws {
    let engine = try EmbeddedModel.engine()
    for base in [
      Self.greedy, GenerationOptions(maxTokens: 30, beams: BeamOptions()),
      GenerationOptions(maxTokens: 30, seed: 5, beams: BeamOptions()),
    ] {
      var options = base
      change.apply(&options)
      let key = try await Self.key(options, of: engine)
      #expect(key != nil)
      #expect(try await Self.key(base, of: engine) == key)
    }
  }

  @Test(
    "what may come out differently, or has to be made, has no key",
    arguments: [
      Change<GenerationOptions>("a draw left to chance") { $0.seed = nil },
      Change("no memo") { $0.usesMemo = false },
      Change("memory of others") { $0.memory.scope = .namespace },
      Change("a session's reply") { $0.memory.session = "garden" },
      Change("telling what was recalled") { $0.memory.explains = true },
      Change("what depends on the replies before") { $0.qualityStop = [.loop, .endless] },
      Change("reading alone") { $0.maxTokens = 0 },
    ])
  func none(change: Change<GenerationOptions>) async throws {
    var options = Self.drawn
    change.apply(&options)
    #expect(try await Self.key(options) == nil)
  }

  @Test("prompts are told apart by their tokens, and by what they are")
  func prompts() async throws {
    let engine = try EmbeddedModel.engine()
    let chat = Prompt.chat([.user("Hello")])
    let tokens = try engine.tokens(of: chat)
    let keys = try await [
      Self.key(Self.greedy, chat, of: engine), Self.key(Self.greedy, .tokens(tokens), of: engine),
      Self.key(Self.greedy, .tokens(tokens.dropLast()), of: engine),
      Self.key(Self.greedy, .tokens(tokens.reversed()), of: engine),
    ]
    #expect(Set(keys.compactMap { $0 }).count == 4)
    #expect(try await Self.key(Self.greedy, chat, of: engine) == keys[0])
  }

  // MARK: - Options of an engine

  private static let engineMatters: [Change<EngineOptions>] = [
    Change("window") { $0.window = .sliding(tokens: 128) },
    Change("a wider window") { $0.window = .sliding(tokens: 192) },
    Change("sinks") { ($0.window, $0.sinks) = (.sliding(tokens: 128), 8) },
    Change("recall") { ($0.window, $0.recall.blocks) = (.sliding(tokens: 128), 3) },
    Change("routed") { ($0.window, $0.recall.routed) = (.sliding(tokens: 128), 1) },
    Change("gate") { ($0.window, $0.recall.gate) = (.sliding(tokens: 128), 0.5) },
    Change("every") { ($0.window, $0.recall.every) = (.sliding(tokens: 128), 16) },
    Change("scorer") { ($0.window, $0.recall.scorer) = (.sliding(tokens: 128), .mean) },
    Change("placement") { ($0.window, $0.recall.placement) = (.sliding(tokens: 128), .constant) },
    Change("block length") { $0.blockLength = 32 },
    Change("context") { $0.contextLength = 500 },
    Change("format of keys and values") {
      $0.keyValueType = KeyValueType.allCases.first { $0 != .f16 }!
    },
    Change("early exits") { $0.earlyExit = 0.7 },
    Change("other early exits") { $0.earlyExit = 0.8 },
  ]

  @Test("an engine's options that have a say in its replies tell requests apart")
  func engines() async throws {
    var names = [try #require(try await Self.key(Self.greedy)): "nothing"]
    for change in Self.engineMatters {
      var options = EngineOptions()
      change.apply(&options)
      let engine = try EmbeddedModel.engine(options)
      let key = try #require(try await Self.key(Self.greedy, of: engine))
      #expect(names[key] == nil, "\(change.testDescription) is as \(names[key] ?? "")")
      names[key] = change.testDescription
    }
  }

  @Test(
    "those that have none do not",
    arguments: [
      Change<EngineOptions>("threads") { $0.threads = 1 },
      Change("chunk") { $0.prefillChunk = 7 },
      Change("sequences") { $0.maxSequences = 2 },
      Change("queue") { $0.queueLimit = 3 },
      Change("heat") { $0.thermal.mode = .performance },
      Change("drafts of its own layers") { $0.draftExit = .layer(2) },
      Change("a draft model") { $0.draftModel = EmbeddedModel.path },
      Change("consolidation") { $0.consolidation.isAutomatic = false },
      Change("the memo's room") { $0.memoBytes = 1 << 20 },
    ])
  func enginesAlike(change: Change<EngineOptions>) async throws {
    var options = EngineOptions()
    change.apply(&options)
    let engine = try EmbeddedModel.engine(options, usesMemo: true)
    let key = try await Self.key(Self.greedy, of: engine)
    #expect(key != nil)
    #expect(try await Self.key(Self.greedy) == key)
  }

  @Test("kernels have no part in it where prompts and generated tokens are computed alike")
  func kernels() async throws {
    func key(_ set: InstructionSet?) async throws -> RequestKey? {
      try await Self.key(
        Self.greedy,
        of: EmbeddedModel.engine(EngineOptions(instructionSet: set, isExact: true), usesMemo: true))
    }
    let best = try await key(nil)
    #expect(try await best == key(.scalar) && best != nil)
  }

  @Test("another model is another request, also where it takes the first one's place")
  func models() async throws {
    let first = try await Self.key(Self.greedy)
    let file = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID()).gguf")
    defer { try? FileManager.default.removeItem(at: file) }
    try FileManager.default.copyItem(at: URL(filePath: EmbeddedModel.path), to: file)
    let engine = try Engine(path: file.path)
    #expect(try await Self.key(Self.greedy, of: engine) == first)
    let made = try await WholeReply(engine.stream(.text("One day"), options: Self.greedy))
    try await DraftModelFile.shallow(layers: 4) { other in
      // As a download does it: the file that is mapped stays what it is.
      guard rename(other, file.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
    let later = try Engine(path: file.path)
    #expect(try await Self.key(Self.greedy, of: later) != first)
    let anew = try await WholeReply(later.stream(.text("One day"), options: Self.greedy))
    #expect(anew.summary?.isReplayed == false && anew.text != made.text)
    // The one that runs has the model that it was given.
    let again = try await WholeReply(engine.stream(.text("One day"), options: Self.greedy))
    #expect(again.summary?.isReplayed == true && again.text == made.text)
  }
}
