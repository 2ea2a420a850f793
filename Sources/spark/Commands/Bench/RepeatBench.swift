import Generation

/// One request three times: as nobody has asked it before, with the prompt's keys and values restored, and told
/// again from the memo. Each round has a text of its own.
struct RepeatBench {
  var engine: Engine
  var promptTokens: Int
  var decodeTokens: Int

  /// What a reply took, in seconds.
  struct Times {
    var firstToken: Double
    var whole: Double
  }

  struct Round {
    var first: Times
    var restored: Times
    var replayed: Times
    /// Whether each reply said the same, token for token.
    var isSame: Bool
  }

  func run(_ round: Int) async throws -> Round {
    let size = engine.tokenizer.vocabularySize
    let prompt = (0..<promptTokens).map {
      TokenID((($0 + 1) * 7919 + (round + 1) * 104_729) % size)
    }
    var options = GenerationOptions(
      maxTokens: decodeTokens, sampling: .greedy, ignoresEndTokens: true)
    options.drafts.mode = .off
    let first = try await reply(prompt, options)
    options.usesMemo = false
    let restored = try await reply(prompt, options)
    options.usesMemo = true
    let replayed = try await reply(prompt, options)
    precondition(
      !first.isReplayed && !restored.isReplayed && replayed.isReplayed,
      "a request was answered in another way than the one to be measured")
    return Round(
      first: first.times, restored: restored.times, replayed: replayed.times,
      isSame: first.said == restored.said && first.said == replayed.said)
  }

  private func reply(
    _ prompt: [TokenID], _ options: GenerationOptions
  ) async throws -> (said: [TokenID], times: Times, isReplayed: Bool) {
    var said: [TokenID] = []
    var (firstToken, isReplayed) = (Duration.zero, false)
    let begun = ContinuousClock.now
    for try await event in try engine.stream(.tokens(prompt), options: options) {
      switch event {
      case .token(let token):
        if said.isEmpty { firstToken = .now - begun }
        said.append(token.id)
      case .finished(let summary): isReplayed = summary.isReplayed
      }
    }
    let whole = ContinuousClock.now - begun
    return (said, Times(firstToken: firstToken.seconds, whole: whole.seconds), isReplayed)
  }
}

/// Medians over all rounds, in seconds.
struct RepeatRecord: Encodable {
  var model: String
  var test = "repeat"
  var promptTokens: Int
  var decodeTokens: Int
  var repetitions: Int
  var firstSeconds: Double
  var restoredSeconds: Double
  var replayedSeconds: Double
  var firstTokenSeconds: Double
  var restoredFirstTokenSeconds: Double
  var replayedFirstTokenSeconds: Double
  var isSame: Bool

  init(model: String, _ bench: RepeatBench, _ rounds: [RepeatBench.Round]) {
    func median(_ figure: (RepeatBench.Round) -> Double) -> Double {
      Spread(rounds.map(figure)).median
    }
    self.model = model
    (promptTokens, decodeTokens, repetitions) = (
      bench.promptTokens, bench.decodeTokens, rounds.count
    )
    firstSeconds = median(\.first.whole)
    restoredSeconds = median(\.restored.whole)
    replayedSeconds = median(\.replayed.whole)
    firstTokenSeconds = median(\.first.firstToken)
    restoredFirstTokenSeconds = median(\.restored.firstToken)
    replayedFirstTokenSeconds = median(\.replayed.firstToken)
    isSame = rounds.allSatisfy(\.isSame)
  }

  var line: String {
    func told(_ whole: Double, _ first: Double) -> String {
      "\((whole * 1000).inTenths) ms (first token \((first * 1000).inTenths) ms)"
    }
    return "\(model): \(promptTokens) + \(decodeTokens) tokens: "
      + "first time \(told(firstSeconds, firstTokenSeconds)), "
      + "prompt restored \(told(restoredSeconds, restoredFirstTokenSeconds)), "
      + "\((firstSeconds / restoredSeconds).inTenths)x; "
      + "told again \(told(replayedSeconds, replayedFirstTokenSeconds)), "
      + "\((firstSeconds / replayedSeconds).inTenths)x; "
      + "\(isSame ? "same" : "different") text (\(repetitions) runs)\n"
  }
}
