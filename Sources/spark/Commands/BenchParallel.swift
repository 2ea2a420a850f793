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
}
