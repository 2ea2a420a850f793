import Generation

/// Replies of several streams at once: as many prompts are read and answered as there are streams, each of its
/// own text, and the time runs from the first request to the last token.
struct ParallelBench {
  var engine: Engine
  var promptTokens: Int
  var decodeTokens: Int

  /// What one run has taken and said.
  struct Run {
    var duration: Duration
    /// [streams] the tokens that each has said.
    var said: [[TokenID]]
  }

  /// Prompts of which none begins as another does, so that nothing is read once for several.
  private func prompt(_ stream: Int) -> [TokenID] {
    let size = engine.tokenizer.vocabularySize
    return (0..<promptTokens).map { TokenID((($0 + 1) * 7919 + stream * 104_729) % size) }
  }

  private var options: GenerationOptions {
    var options = GenerationOptions(
      maxTokens: decodeTokens, ignoresEndTokens: true, memory: MemoryOptions(scope: .none))
    options.sampling.temperature = 0
    options.drafts.mode = .off
    options.usesMemo = false
    return options
  }

  func run(streams: Int) async throws -> Run {
    var said = [[TokenID]](repeating: [], count: streams)
    let begun = ContinuousClock.now
    try await withThrowingTaskGroup(of: (Int, [TokenID]).self) { group in
      for stream in 0..<streams {
        let tokens = try engine.stream(.tokens(prompt(stream)), options: options)
        group.addTask {
          var said: [TokenID] = []
          for try await event in tokens {
            if case .token(let token) = event { said.append(token.id) }
          }
          return (stream, said)
        }
      }
      for try await (stream, tokens) in group { said[stream] = tokens }
    }
    return Run(duration: ContinuousClock.now - begun, said: said)
  }

  /// The same one after another.
  func runInTurns(streams: Int) async throws -> Run {
    var (said, duration): ([[TokenID]], Duration) = ([], .zero)
    for stream in 0..<streams {
      let begun = ContinuousClock.now
      var tokens: [TokenID] = []
      for try await event in try engine.stream(.tokens(prompt(stream)), options: options) {
        if case .token(let token) = event { tokens.append(token.id) }
      }
      duration += ContinuousClock.now - begun
      said.append(tokens)
    }
    return Run(duration: duration, said: said)
  }

  /// Medians over rounds that each have the replies one after another and then all at once.
  func measure(
    _ width: Int, of path: String, repetitions: Int
  ) async throws -> ParallelRecord {
    var (together, inTurns, isSame): ([Double], [Double], Bool) = ([], [], true)
    for _ in 0..<repetitions {
      let turns = try await runInTurns(streams: width)
      let run = try await run(streams: width)
      isSame = isSame && run.said == turns.said
      let tokens = Double(width * (promptTokens + decodeTokens))
      together.append(tokens / run.duration.seconds)
      inTurns.append(tokens / turns.duration.seconds)
    }
    return ParallelRecord(
      model: path, parallel: width, promptTokens: promptTokens, decodeTokens: decodeTokens,
      repetitions: repetitions, tokensPerSecond: Spread(together).median,
      inTurnsTokensPerSecond: Spread(inTurns).median,
      ratio: Spread(zip(together, inTurns).map { $0 / $1 }).median, isSame: isSame,
      threads: engine.threads, isa: engine.instructionSet.rawValue)
  }
}

/// Replies at once against the same in turns; rates are tokens per second, read and written together.
struct ParallelRecord: Encodable {
  var model: String
  var parallel: Int
  var promptTokens: Int
  var decodeTokens: Int
  var repetitions: Int
  var tokensPerSecond: Double
  var inTurnsTokensPerSecond: Double
  /// The median of the rounds' ratios.
  var ratio: Double
  /// Whether each reply was the same, token for token.
  var isSame: Bool
  var threads: Int
  var isa: String

  var line: String {
    "\(model): \(parallel) at once, \(promptTokens) + \(decodeTokens) tokens each: "
      + "\(tokensPerSecond.inTenths) tokens/s, in turns \(inTurnsTokensPerSecond.inTenths), "
      + "ratio \(ratio.inTenths), \(isSame ? "same" : "different") text "
      + "(\(repetitions) runs, \(threads) threads, \(isa))\n"
  }
}
