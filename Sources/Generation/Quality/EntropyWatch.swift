/// Finds out whether a model has long been sure of everything, or of nothing.
///
/// The entropies of its distributions are given every few tokens; what counts is the mean of the latest, over a
/// stretch of tokens, and it is looked at once there are that many. One sure or lost token means nothing.
package struct EntropyWatch: Sendable {
  private let interval: Int
  private let low: Float
  private let high: Float
  /// The latest measurements, a ring.
  private var latest: [Float]
  private var count = 0
  private var total = 0.0

  package init(_ options: QualityOptions = QualityOptions(), vocabularySize: Int) {
    interval = options.interval
    low = options.collapse
    high = options.explosion * Float(vocabularySize).logarithm
    latest = Array(repeating: 0, count: max(1, options.stretch / options.interval))
  }

  /// The mean of all measurements; nil where there are none.
  package var mean: Float? { count > 0 ? Float(total / Double(count)) : nil }

  /// Tokens that the latest measurements stand for.
  package var stretch: Int { latest.count * interval }

  /// Takes note of a measurement, in nats.
  ///
  /// - Returns: what the latest ones come to; nil where that is nothing unusual.
  package mutating func note(_ entropy: Float) -> QualityKind? {
    latest[count % latest.count] = entropy
    count += 1
    total += Double(entropy)
    guard count >= latest.count else { return nil }
    // Summed anew: what is added and taken away again leaves rounding behind, and there are few.
    let mean = latest.reduce(0, +) / Float(latest.count)
    return mean < low ? .collapse : mean > high ? .explosion : nil
  }
}
