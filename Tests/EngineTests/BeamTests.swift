import Foundation
import Generation
import Synchronization
import Testing

/// Replies that are searched for, on the embedded model and on one small enough to look at all texts.
@Suite struct BeamTests {
  private static let story =
    "Once upon a time there was a little fox. The fox lived in a forest by a lake. One day the fox"

  private static func options(
    _ beams: BeamOptions, maxTokens: Int? = 40, scope: MemoryScope = .none,
    ignoresEndTokens: Bool = false
  ) -> GenerationOptions {
    GenerationOptions(
      maxTokens: maxTokens, ignoresEndTokens: ignoresEndTokens, seed: 5, logprobs: 1,
      memory: MemoryOptions(scope: scope), beams: beams)
  }

  /// What two replies have to agree in.
  private struct Trace: Equatable {
    var tokens: [TokenID]
    var text: String
    var scores: [UInt32]
    var stopReason: StopReason?
    var best: [[TokenID]]
    var logProbabilities: [UInt64]

    init(_ reply: WholeReply) {
      tokens = reply.tokens.map(\.id)
      text = reply.text + (reply.summary?.trailingText ?? "")
      scores = reply.tokens.map { $0.logprobs!.chosen.logprob.bitPattern }
      stopReason = reply.summary?.stopReason
      let hypotheses = reply.summary?.beams?.hypotheses ?? []
      best = hypotheses.map(\.tokens)
      logProbabilities = hypotheses.map(\.logProbability.bitPattern)
    }
  }

  // MARK: - What is found

  @Test(
    "the best of all texts that there are is found, in the engine too",
    arguments: 0..<12 as Range<UInt64>)
  func exhaustive(seed: UInt64) async throws {
    let alpha = [0, 0.6, 1, 2][Int(seed % 4)]
    let limit = 3
    try await TinyLlama.withFile(seed: seed) { path in
      let engine = try Engine(
        path: path, options: EngineOptions(blockLength: 16, memoBytes: 0, isExact: true))
      let prompt: [TokenID] = [1] + (0..<15).map { 3 + TokenID(($0 * Int(seed + 3)) % 7 % 3) }
      // Three letters and an end: 16 beams lose none of the nine beginnings of two.
      var request = Self.options(
        BeamOptions(width: 16, best: 16, lengthPenalty: alpha, stopping: .certain),
        maxTokens: limit)
      request.sampling.logitBias = [0: -.infinity, 1: -.infinity]
      let reply = try await WholeReply(engine.stream(.tokens(prompt), options: request))

      var (open, ended):
        ([(tokens: [TokenID], sum: Double)], [(tokens: [TokenID], score: Double)]) =
          ([([], 0)], [])
      for length in 1...limit {
        var longer: [(tokens: [TokenID], sum: Double)] = []
        for text in open {
          let last = Mutex<[Float]>([])
          try await engine.logits(of: prompt + text.tokens) { index, logits in
            last.withLock { $0 = (2..<6).map { logits[$0] } }
          }
          let logits = last.withLock { $0 }
          let total = logits.reduce(0.0) { $0 + exp(Double($1)) }
          for (place, logit) in logits.enumerated() {
            let next = (
              tokens: text.tokens + [TokenID(place + 2)], sum: text.sum + Double(logit) - log(total)
            )
            if next.tokens.last == TinyLlama.end || length == limit {
              ended.append((next.tokens, next.sum / pow(Double(length), alpha)))
            } else {
              longer.append(next)
            }
          }
        }
        open = longer
      }
      ended.sort { $0.score > $1.score }
      let found = try #require(reply.summary?.beams).hypotheses
      #expect(found.count == 16)
      for (found, expected) in zip(found, ended) {
        #expect(abs(found.score - expected.score) < 1e-4, "seed \(seed)")
      }
      // Texts that score the same but for rounding may change places.
      for (place, hypothesis) in found.enumerated()
      where (place == 0 || ended[place - 1].score - ended[place].score > 1e-3)
        && ended[place].score - ended[place + 1].score > 1e-3
      {
        #expect(hypothesis.tokens == ended[place].tokens, "seed \(seed), place \(place)")
      }
      #expect(reply.tokens.map(\.id) == found[0].tokens)
    }
  }

  private static let engines: [EngineOptions] = [
    EngineOptions(), EngineOptions(window: .sliding(tokens: 100), prefillChunk: 3),
    EngineOptions(window: .sliding(tokens: 64), blockLength: 16),
  ]

  @Test(
    "one beam is greedy decoding, bit for bit: in every window, with penalties, to every kind of end",
    arguments: 0..<3, 0..<4)
  func greedy(engine: Int, way: Int) async throws {
    let engine = try EmbeddedModel.engine(Self.engines[engine])
    var request = Self.options(BeamOptions(width: 1), maxTokens: 200, scope: .session)
    var prompt = Prompt.text(Self.story)
    switch way {
    case 0: request.ignoresEndTokens = true
    case 1:
      request.sampling.repetitionPenalty = 1.2
      request.sampling.dryMultiplier = 0.8
    case 2: request.stopStrings = [" was", "."]
    default: prompt = .chat([.user("Tell me about a fox.")])
    }
    let searched = try await WholeReply(engine.stream(prompt, options: request))
    request.beams = nil
    request.sampling.temperature = 0
    request.drafts.mode = .off
    let greedy = try await WholeReply(engine.stream(prompt, options: request))
    let (mine, theirs) = (Trace(searched), Trace(greedy))
    #expect(mine.tokens == theirs.tokens && mine.scores == theirs.scores)
    #expect(mine.text == theirs.text && mine.stopReason == theirs.stopReason)
    #expect(searched.tokens.map(\.text) == greedy.tokens.map(\.text))
    let report = try #require(searched.summary?.beams)
    #expect(report.forks == 0 && report.copiedBlocks == 0)
    #expect(report.hypotheses.map(\.tokens) == [mine.tokens])
    #expect(searched.summary?.keyValueBytes == greedy.summary?.keyValueBytes)
    #expect(searched.summary?.evictedTokens == greedy.summary?.evictedTokens)
  }

  @Test(
    "a beam sees its own past, and recalls for itself: what a text was found to score, it scores when it is read",
    arguments: 0..<3, [MemoryScope.none, .session])
  func ownPast(engine: Int, scope: MemoryScope) async throws {
    // The window of which most of the text leaves.
    let isShort = engine == 2
    var options = Self.engines[engine]
    options.isExact = true
    let engine = try EmbeddedModel.engine(options)
    let prompt = engine.tokenizer.encode(Self.story)
    var request = Self.options(
      BeamOptions(width: 4, best: 4), maxTokens: 120, scope: scope, ignoresEndTokens: true)
    request.memory.session = "beams"
    let reply = try await WholeReply(engine.stream(.tokens(prompt), options: request))
    let report = try #require(reply.summary?.beams)
    #expect(report.hypotheses.count == 4 && report.forks > 20)
    #expect(reply.summary!.memory.recalled > 0 || !isShort || scope == .none)
    for hypothesis in report.hypotheses {
      let sum = Mutex(0.0)
      let text = prompt + hypothesis.tokens
      try await engine.logits(of: text, memory: MemoryOptions(scope: scope)) { index, logits in
        guard (prompt.count..<text.count).contains(index + 1) else { return }
        let chosen = TokenLogprobs(logits: logits, chosen: text[index + 1], top: 0).chosen.logprob
        sum.withLock { $0 += Double(chosen) }
      }
      let read = sum.withLock { $0 }
      #expect(abs(read - hypothesis.logProbability) < 1e-5)
    }
    // The winner's own figures are those of the passes it was made in.
    let told = reply.tokens.reduce(0.0) { $0 + Double($1.logprobs!.chosen.logprob) }
    #expect(abs(told - report.hypotheses[0].logProbability) < 1e-3)
  }

  // MARK: - How it is told

  @Test(
    "text is told as soon as it is certain, and is the best text in the end", arguments: 0..<3)
  func streams(stopping: Int) async throws {
    let engine = try EmbeddedModel.engine()
    let beams = BeamOptions(
      width: 4, best: 3, stopping: BeamOptions.Stopping.allCases[stopping])
    let reply = try await WholeReply(
      engine.stream(
        .chat([.user("Tell me a story about a fox.")]), options: Self.options(beams, maxTokens: 80))
    )
    let (summary, report) = (try #require(reply.summary), try #require(reply.summary?.beams))
    #expect(report.hypotheses[0].tokens == reply.tokens.map(\.id))
    #expect(report.hypotheses[0].text == reply.text + summary.trailingText)
    #expect(report.hypotheses[0].stopReason == summary.stopReason)
    #expect(report.hypotheses.map(\.score) == report.hypotheses.map(\.score).sorted(by: >))
    #expect(Set(report.hypotheses.map(\.tokens)).count == report.hypotheses.count)
    #expect(summary.generatedTokens == reply.tokens.count && summary.drafts.passes == 0)
    for hypothesis in report.hypotheses {
      let length = Double(hypothesis.tokens.count)
      #expect(abs(hypothesis.score - hypothesis.logProbability / length) < 1e-12)
    }
  }

  @Test("a stop string ends a beam, and is not part of any text")
  func stopStrings() async throws {
    let engine = try EmbeddedModel.engine()
    var request = Self.options(BeamOptions(width: 4, best: 4, lengthPenalty: 0), maxTokens: 60)
    request.stopStrings = [".", " and "]
    let reply = try await WholeReply(engine.stream(.text(Self.story), options: request))
    let report = try #require(reply.summary?.beams)
    #expect(reply.summary?.stopReason == .stopString)
    #expect(reply.text == report.hypotheses[0].text)
    for hypothesis in report.hypotheses {
      #expect(!hypothesis.text.contains(".") && !hypothesis.text.contains(" and "))
    }
    #expect(report.hypotheses.contains { $0.stopReason == .stopString && !$0.text.isEmpty })
  }

  @Test("groups begin differently")
  func groups() async throws {
    let engine = try EmbeddedModel.engine()
    let reply = try await WholeReply(
      engine.stream(
        .text(Self.story),
        options: Self.options(
          BeamOptions(width: 6, best: 3, groups: 3, diversityPenalty: 100), maxTokens: 12)))
    let report = try #require(reply.summary?.beams)
    #expect(Set(report.hypotheses.map { $0.tokens[0] }).count == 3)
  }

  @Test("a reply of no tokens, and one that fills the context, end as they would without beams")
  func limits() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 64))
    let none = try await WholeReply(
      engine.stream(.text(Self.story), options: Self.options(BeamOptions(), maxTokens: 0)))
    #expect(none.summary?.stopReason == .length && none.summary?.generatedTokens == 0)
    let full = try await WholeReply(
      engine.stream(
        .text(Self.story),
        options: Self.options(BeamOptions(), maxTokens: nil, ignoresEndTokens: true)))
    let summary = try #require(full.summary)
    #expect(summary.stopReason == .contextFull)
    #expect(summary.promptTokens + summary.generatedTokens == 65)
  }

  // MARK: - Beside others

  @Test(
    "a search gives the same bits beside others, and however its prompt is cut",
    arguments: [Window.full, .sliding(tokens: 64)])
  func neighbours(window: Window) async throws {
    let request = Self.options(
      BeamOptions(width: 5, best: 5), scope: .session, ignoresEndTokens: true)
    func engine(chunk: Int) throws -> Engine {
      try EmbeddedModel.engine(
        EngineOptions(window: window, blockLength: 16, prefillChunk: chunk, maxSequences: 16))
    }
    let alone = try await WholeReply(engine(chunk: 512).stream(.text(Self.story), options: request))
    let cut = try await WholeReply(engine(chunk: 5).stream(.text(Self.story), options: request))
    #expect(Trace(cut) == Trace(alone))

    let together = try engine(chunk: 32)
    try await withThrowingTaskGroup(of: WholeReply?.self) { group in
      for place in 0..<10 {
        // More rows than a pass has for searches, drawn replies beside them, and prompts in between.
        var own = place % 2 == 0 ? request : Self.options(BeamOptions(width: 16), maxTokens: 20)
        if place % 5 == 4 { own.beams = nil }
        let isSame = place % 2 == 0 && place % 5 != 4
        let prompt = isSame ? Self.story : Self.story + String(repeating: " and then", count: place)
        let stream = try together.stream(.text(prompt), options: own)
        group.addTask {
          let reply = try await WholeReply(stream)
          return isSame ? reply : nil
        }
      }
      var count = 0
      for try await reply in group {
        guard let reply else { continue }
        count += 1
        #expect(Trace(reply) == Trace(alone))
      }
      #expect(count == 4)
    }
    #expect(try await Self.isFree(together))
  }

  private static func isFree(_ engine: Engine) async throws -> Bool {
    for _ in 0..<400 {
      if await engine.unload() { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  @Test(
    "whatever a search ends by, all blocks come back", arguments: 0..<20 as Range<UInt64>)
  func blocks(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let window: Window = Bool.random(using: &random) ? .full : .sliding(tokens: 48)
    let file = try GGUFFile(path: EmbeddedModel.path)
    let compute = try Compute(threads: 1)
    let tokenizer = try Tokenizer(metadata: file.metadata)
    let stepper = try Stepper(
      model: LanguageModel(file: file, compute: compute), tokenizer: tokenizer, compute: compute,
      options: EngineOptions(window: window, blockLength: 16, maxSequences: 12))
    var request = Self.options(
      BeamOptions(width: 4, best: 2), maxTokens: 100,
      scope: Bool.random(using: &random) ? .session : .none, ignoresEndTokens: true)
    if Bool.random(using: &random) { request.stopStrings = ["the"] }
    let reply = Reply(prompt: tokenizer.encode(Self.story), options: request, seed: 1)
    // Cut off before the prompt is read, in the middle, or not at all.
    let last = Int.random(in: 0...140, using: &random)
    let cancels = Bool.random(using: &random)
    var events = 0
    for _ in 0..<last {
      var isOver = false
      stepper.advance([Turn(reply, rows: 16)]) { _, result in
        events += 1
        if case .success(.finished) = result { isOver = true }
      }
      if isOver { break }
    }
    if cancels {
      reply.cancel()
      var summary: GenerationSummary?
      for _ in 0..<2 where !reply.isEnded {
        stepper.advance([Turn(reply, rows: 16)]) { _, result in
          if case .success(.finished(let end)) = result { summary = end }
        }
      }
      if let summary { #expect(summary.generatedTokens <= events) }
    }
    stepper.end(reply)
    #expect(stepper.blocksInUse == 0, "seed \(seed): \(window), \(last) passes")
  }

  @Test("a search that the cache can never hold is refused in a sentence")
  func refusal() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 512, maxSequences: 1))
    let stream = try engine.stream(
      .text(Self.story), options: Self.options(BeamOptions(width: 8), maxTokens: 400))
    do {
      _ = try await WholeReply(stream)
      Issue.record("nothing was refused")
    } catch let error as EngineError {
      #expect(error.code == .prompt && error.message.contains("8 beams"), "\(error)")
    }
    // With fewer tokens there is room.
    let reply = try await WholeReply(
      engine.stream(.text(Self.story), options: Self.options(BeamOptions(width: 4), maxTokens: 20)))
    #expect(reply.summary?.stopReason != nil)
  }

  // MARK: - What it costs and leaves

  @Test("beams hold together what the prompt takes once, and what they say apart")
  func account() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(blockLength: 64, maxSequences: 10))
    let prompt = Array(
      engine.tokenizer.encode(String(repeating: Self.story + " ran. ", count: 40)).prefix(500))
    for width in [2, 8] {
      let reply = try await WholeReply(
        engine.stream(
          .tokens(prompt),
          options: Self.options(BeamOptions(width: width), maxTokens: 40, ignoresEndTokens: true)))
      let report = try #require(reply.summary?.beams)
      #expect(report.singleBlocks == 9 && report.blockBytes > 0)
      // Seven full blocks once, and for each beam the two in which it may differ.
      #expect(report.peakBlocks > report.singleBlocks && report.peakBlocks <= 7 + 2 * width + 2)
      #expect(report.passes == 39 && report.forks > 0 && report.copiedBlocks > 0)
    }
  }

  private static func engine(_ folder: String?) throws -> Engine {
    try EmbeddedModel.engine(
      EngineOptions(
        window: .sliding(tokens: 128), blockLength: 16, store: folder,
        consolidation: ConsolidationOptions(isAutomatic: false), maxSequences: 8))
  }

  @Test(
    "a conversation goes on from the best reply, here and in another process",
    arguments: [BeamOptions(width: 4), BeamOptions(width: 4, groups: 2, diversityPenalty: 2)])
  func conversation(beams: BeamOptions) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-beams-\(UInt64.random(in: .min ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let questions = [
      "Once there was a fox who lived in the forest. What did the fox eat?",
      "And where did the little fox sleep when the snow fell on the forest?",
      "Tell me about the friend of the fox, the old owl in the oak tree.",
    ]
    func request(_ number: Int) -> GenerationOptions {
      var request = GenerationOptions(
        maxTokens: 100, sampling: .greedy, ignoresEndTokens: number == 0, seed: 0)
      if number < 2 { request.beams = beams }
      return request
    }
    var whole: [[TokenID]] = []
    do {
      let engine = try Self.engine(folder)
      let chat = try await engine.conversation(named: "whole", scope: .session)
      for (number, question) in questions.enumerated() {
        let reply = try await WholeReply(chat.reply(to: question, options: request(number)))
        whole.append(reply.tokens.map(\.id))
        let summary = try #require(reply.summary)
        #expect(try chat.messages().last == .assistant(reply.text + summary.trailingText))
        #expect(summary.memory.dropped == 0 && summary.memory.reread == 0)
        if number > 0 { #expect(summary.memory.cached > 16) }
      }
    }
    for (number, question) in questions.enumerated() {
      let chat = try await Self.engine(folder).conversation(named: "parts", scope: .session)
      let reply = try await WholeReply(chat.reply(to: question, options: request(number)))
      #expect(reply.tokens.map(\.id) == whole[number], "question \(number)")
    }
  }

  @Test(
    "of all beams the store keeps the best one's blocks alone, also where others had left the window"
  )
  func leavings() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-beams-\(UInt64.random(in: .min ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let options = EngineOptions(
      window: .sliding(tokens: 32), blockLength: 16, store: folder,
      consolidation: ConsolidationOptions(isAutomatic: false), maxSequences: 8)
    var tokens = 0
    do {
      let reply = try await WholeReply(
        EmbeddedModel.engine(options).stream(
          .text(Self.story),
          options: Self.options(
            BeamOptions(width: 6, groups: 2, diversityPenalty: 1), maxTokens: 170,
            scope: .session, ignoresEndTokens: true)))
      let summary = try #require(reply.summary)
      tokens = summary.promptTokens + summary.generatedTokens - 1
      #expect(summary.memory.recalled > 0 && summary.memory.dropped == 0)
    }
    // As another process finds it.
    let kept = try await EmbeddedModel.engine(options).memory.holdings()
    #expect(kept.namespaces.map(\.passages) == [(tokens + 15) / 16])
  }

  @Test("a search that is cut off is kept as far as it was told, and the conversation goes on")
  func cutOff() async throws {
    for window in [Window.full, .sliding(tokens: 64)] {
      let engine = try EmbeddedModel.engine(
        EngineOptions(window: window, blockLength: 16, maxSequences: 8))
      let chat = try await engine.conversation(named: "fox", scope: .session)
      let request = GenerationOptions(
        maxTokens: 200, ignoresEndTokens: true, seed: 0, beams: BeamOptions(width: 4))
      let text = try await Task {
        var text = ""
        for try await event in try chat.reply(to: "Tell me about a fox.", options: request) {
          switch event {
          case .token(let token):
            text += token.text
            if text.utf8.count > 40 { withUnsafeCurrentTask { $0?.cancel() } }
          case .finished(let summary):
            #expect(summary.stopReason == .cancelled && summary.beams?.hypotheses == [])
            text += summary.trailingText
          }
        }
        return text
      }.value
      #expect(try chat.messages().last == .assistant(text))
      let next = try await WholeReply(chat.reply(to: "And then?", options: request))
      #expect(next.summary?.stopReason == .length)
      #expect(try await Self.isFree(engine))
    }
  }
}
