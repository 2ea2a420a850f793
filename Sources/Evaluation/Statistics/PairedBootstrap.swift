internal import Generation

/// A mean and the range in which 95% of resampled means lie.
package struct Estimate: Sendable, Equatable, Encodable {
  package var mean: Double
  package var low: Double
  package var high: Double

  package init(mean: Double, low: Double, high: Double) {
    (self.mean, self.low, self.high) = (mean, low, high)
  }
}

/// The difference of two arms on the same tokens, with an interval.
///
/// Tokens of one passage are not independent, so whole groups of tokens (passages, or stretches of
/// a long text) are drawn with replacement, and the same draw serves both arms.
package enum PairedBootstrap {
  /// The sum of one group's differences, and over how many tokens.
  package struct Group: Sendable, Equatable {
    package var sum: Double
    package var count: Int

    package init(sum: Double, count: Int) { (self.sum, self.count) = (sum, count) }
  }

  /// The mean difference per token; nil without tokens.
  package static func estimate(
    _ groups: [Group], resamples: Int = 2000, seed: UInt64 = 1
  ) -> Estimate? {
    let count = groups.reduce(0) { $0 + $1.count }
    guard count > 0 else { return nil }
    var random = SeededGenerator(seed: seed)
    var means: [Double] = []
    while means.count < resamples {
      var drawn = Group(sum: 0, count: 0)
      for _ in groups {
        let group = groups[Int.random(in: 0..<groups.count, using: &random)]
        drawn.sum += group.sum
        drawn.count += group.count
      }
      // Groups without tokens may fill a draw.
      if drawn.count > 0 { means.append(drawn.sum / Double(drawn.count)) }
    }
    means.sort()
    func quantile(_ share: Double) -> Double {
      means[Int((share * Double(means.count - 1)).rounded())]
    }
    return Estimate(
      mean: groups.reduce(0) { $0 + $1.sum } / Double(count), low: quantile(0.025),
      high: quantile(0.975))
  }
}
