/// How many of several trials succeeded.
package struct Proportion: Sendable, Equatable {
  package var successes: Int
  package var trials: Int

  package init(successes: Int = 0, trials: Int = 0) {
    precondition((0...trials).contains(successes), "\(successes) successes of \(trials) trials")
    self.successes = successes
    self.trials = trials
  }

  package mutating func count(_ isSuccess: Bool) {
    trials += 1
    if isSuccess { successes += 1 }
  }

  /// Nil without trials.
  package var value: Double? { trials > 0 ? Double(successes) / Double(trials) : nil }

  /// The Wilson score interval, 95% by default; 0...1 without trials. Unlike the normal
  /// approximation it stays within 0...1 and is of use for few trials (E. B. Wilson, JASA 22, 1927).
  package func interval(z: Double = 1.959_963_984_540_054) -> ClosedRange<Double> {
    guard let p = value else { return 0...1 }
    let n = Double(trials)
    let middle = p + z * z / (2 * n)
    let spread = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    // Exact where rounding would leave the share itself outside.
    let low = successes == 0 ? 0 : (middle - spread) / scale
    let high = successes == trials ? 1 : (middle + spread) / scale
    return low...high
  }
}
