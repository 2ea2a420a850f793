package import Generation
internal import Glibc

/// Reads one long text in every arm.
package struct PerplexityRun: Sendable {
  package var tokens: [TokenID]
  package var arms: [Arm]

  package init(tokens: [TokenID], arms: [Arm]) {
    self.tokens = tokens
    self.arms = arms
  }

  /// Calls `onToken` with each cost in nats as it is known: the arm's index, the token's, and the cost.
  /// An arm with full attention reads as much of the text as its context holds.
  package func run(
    on shelf: EngineShelf, onToken: @escaping @Sendable (Int, Int, Double) -> Void
  ) async throws {
    let tokens = tokens
    for (place, arm) in arms.enumerated() {
      let engine = try shelf.engine(arm.engine)
      let end =
        arm.engine.window == .full ? min(tokens.count, engine.contextLength) : tokens.count
      // What is read last predicts nothing that is there.
      try await engine.logits(of: Array(tokens[..<max(0, end - 1)]), memory: arm.memory) {
        onToken(place, $0 + 1, Self.cost(of: tokens[$0 + 1], $1))
      }
    }
  }

  /// The negative log-probability of `token`, in nats.
  package static func cost(of token: TokenID, _ logits: Span<Float>) -> Double {
    var greatest = -Float.infinity
    for index in logits.indices { greatest = max(greatest, logits[index]) }
    var sum = 0.0
    for index in logits.indices { sum += Double(expf(logits[index] - greatest)) }
    return log(sum) + Double(greatest) - Double(logits[Int(token)])
  }
}
