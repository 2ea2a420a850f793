package import Cache

/// What it costs to take blocks over, and what it would to read them again.
///
/// A block is restored where that takes less time than reading its tokens: `b n / (r B) + b n / D < n / P`
/// for `b` bytes a token, compressed `r` times, a disk of `B` and a decoder of `D` bytes a second, and a
/// prefill of `P` tokens a second. Both sides are measured here, the left one for each tier.
package struct RestoreCosts: Sendable, Equatable {
  /// Seconds for a block of each tier; nil before one was restored.
  private var restoring: [Tier: Double] = [:]
  /// Seconds to read one token; nil before any was.
  package private(set) var readingToken: Double?

  /// What the latest measurement counts for.
  private static let share = 0.25

  package init() {}

  package mutating func note(restoredFrom tier: Tier, _ duration: Duration) {
    Self.blend(duration / .seconds(1), into: &restoring[tier])
  }

  /// - Parameter tokens: at least one.
  package mutating func note(read tokens: Int, _ duration: Duration) {
    Self.blend(duration / .seconds(1) / Double(tokens), into: &readingToken)
  }

  private static func blend(_ seconds: Double, into known: inout Double?) {
    known = known.map { $0 + share * (seconds - $0) } ?? seconds
  }

  /// Blocks of these tiers were read instead. What is not measured any more is believed less and less, so
  /// that one slow block does not keep all later ones from being tried.
  package mutating func note(declined tiers: some Sequence<Tier>) {
    for tier in tiers { restoring[tier] = restoring[tier].map { $0 * (1 - Self.share) } }
  }

  /// Whether blocks of these tiers are taken over rather than that `tokens` are read. What was never
  /// measured is worth a try.
  package func pays(_ tiers: some Sequence<Tier>, over tokens: Int) -> Bool {
    guard let readingToken else { return true }
    let seconds = tiers.reduce(0) { $0 + (restoring[$1] ?? 0) }
    return seconds < readingToken * Double(tokens)
  }
}
