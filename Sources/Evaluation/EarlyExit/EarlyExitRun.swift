package import Generation
internal import Synchronization

/// Reads texts as if the model were writing them, with layers left out at several thresholds and with none.
package struct EarlyExitRun: Sendable {
  package var passages: [[TokenID]]
  /// Probabilities from which layers are left out; 1 is next to never.
  package var thresholds: [Float]
  package var engine: EngineOptions

  package init(passages: [[TokenID]], thresholds: [Float], engine: EngineOptions) {
    self.passages = passages
    self.thresholds = thresholds
    self.engine = engine
  }

  /// One passage read in one way.
  package struct Reading: Sendable {
    /// Nil: with all layers.
    package var threshold: Float?
    package var passage: Int
    /// What each token but the first cost, in nats.
    package var costs: [Double] = []
    /// The likeliest token at each place.
    package var choices: [TokenID] = []
    /// The layers that each token went through.
    package var depths: [Int] = []
    package var seconds = 0.0
  }

  /// Calls `onReading` with each passage in each way, ways taking turns.
  package func run(
    on shelf: EngineShelf, onReading: (Reading) throws -> Void
  ) async throws {
    for (number, passage) in passages.enumerated() {
      for threshold in [nil] + thresholds.map(Optional.init) {
        try Task.checkCancellation()
        var options = engine
        options.earlyExit = threshold
        try onReading(
          try await Self.read(
            passage, number: number, threshold: threshold, on: shelf.engine(options)))
      }
    }
  }

  private static func read(
    _ tokens: [TokenID], number: Int, threshold: Float?, on engine: Engine
  ) async throws -> Reading {
    let state = Mutex(Reading(threshold: threshold, passage: number))
    // What is read last predicts nothing that is there.
    let duration = try await engine.logitsWhenGenerated(of: Array(tokens.dropLast())) {
      index, logits, depth in
      let cost = PerplexityRun.cost(of: tokens[index + 1], logits)
      var best = 0
      for token in logits.indices where logits[token] > logits[best] { best = token }
      state.withLock {
        $0.costs.append(cost)
        $0.choices.append(TokenID(best))
        $0.depths.append(depth)
      }
    }
    return state.withLock {
      $0.seconds = duration / .seconds(1)
      return $0
    }
  }
}
