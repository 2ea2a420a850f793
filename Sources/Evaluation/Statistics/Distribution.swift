internal import Glibc

/// The natural logarithms of a model's probabilities for the next token.
package struct Distribution: Sendable {
  /// [vocabulary]
  package let logprobs: [Float]

  package init(logits: Span<Float>) {
    var greatest = -Float.infinity
    for index in logits.indices { greatest = max(greatest, logits[index]) }
    var sum = 0.0
    for index in logits.indices { sum += exp(Double(logits[index] - greatest)) }
    let shift = Double(greatest) + log(sum)
    var logprobs: [Float] = []
    logprobs.reserveCapacity(logits.count)
    for index in logits.indices { logprobs.append(Float(Double(logits[index]) - shift)) }
    self.logprobs = logprobs
  }

  /// The likeliest token; the first of equals.
  package var top: Int {
    logprobs.indices.reduce(0) { logprobs[$1] > logprobs[$0] ? $1 : $0 }
  }

  /// The Kullback-Leibler divergence of `other` from this distribution, in nats: what a reader pays
  /// who expects `other` where this is true. Never negative.
  package func divergence(of other: Distribution) -> Double {
    precondition(
      logprobs.count == other.logprobs.count,
      "distributions over \(logprobs.count) and \(other.logprobs.count) tokens")
    var sum = 0.0
    for index in logprobs.indices where logprobs[index] > -.infinity {
      sum += exp(Double(logprobs[index])) * Double(logprobs[index] - other.logprobs[index])
    }
    return max(0, sum)
  }
}
