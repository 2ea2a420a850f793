package import Generation
internal import Glibc

/// Reads one long text in every arm, or several passages, each from its start.
package struct PerplexityRun: Sendable {
  package var tokens: [TokenID]
  /// Tokens of each passage; nil: all are one text.
  package var passage: Int?
  package var arms: [Arm]

  package init(tokens: [TokenID], passage: Int? = nil, arms: [Arm]) {
    self.tokens = tokens
    self.passage = passage
    self.arms = arms
  }

  /// Calls `onToken` with each cost in nats as it is known: the arm's index, the token's over all
  /// passages, and the cost. An arm with full attention reads as much of each as its context holds.
  package func run(
    on shelf: EngineShelf, onToken: @escaping @Sendable (Int, Int, Double) -> Void
  ) async throws {
    for start in stride(from: 0, to: tokens.count, by: max(1, passage ?? tokens.count)) {
      let tokens = Array(tokens[start...].prefix(passage ?? tokens.count))
      for (place, arm) in arms.enumerated() {
        try Task.checkCancellation()
        let engine = try shelf.engine(arm.engine)
        let end =
          arm.engine.window == .full ? min(tokens.count, engine.contextLength) : tokens.count
        // What is read last predicts nothing that is there.
        try await engine.logits(of: Array(tokens[..<max(0, end - 1)]), memory: arm.memory) {
          onToken(place, start + $0 + 1, Self.cost(of: tokens[$0 + 1], $1))
        }
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
