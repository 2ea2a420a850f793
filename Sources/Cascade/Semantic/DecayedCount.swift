internal import Glibc

/// How counts fade: by half in every half-life.
package struct Decay: Sendable, Equatable {
  /// Seconds.
  package let halfLife: Double

  package init(halfLife: Double) { self.halfLife = halfLife }

  /// What is left of 1 after `seconds`; what lies in the future has not faded.
  package func rest(after seconds: Int64) -> Double { exp2(-Double(max(0, seconds)) / halfLife) }
}

/// A count that fades, as of a time.
package struct DecayedCount: Sendable, Equatable {
  package var weight: Double
  /// Seconds since 1970.
  package var at: Int64

  package init(weight: Double, at: Int64) {
    self.weight = weight
    self.at = at
  }

  package func weight(at now: Int64, _ decay: Decay) -> Double {
    // Clocks jump: a time may be any.
    let (seconds, isTooLong) = now.subtractingReportingOverflow(at)
    return weight * decay.rest(after: isTooLong ? (at < now ? .max : 0) : seconds)
  }

  package func adding(_ count: Double, at now: Int64, _ decay: Decay) -> DecayedCount {
    DecayedCount(weight: weight(at: now, decay) + count, at: max(now, at))
  }
}
