/// What keeps unrelated memory out: how much the latest words must share with a passage, in nats of
/// rarity and as a share of what they weigh.
///
/// Keys do not tell: held against the embedded model's index, prose that has nothing to do with a
/// conversation scores as high as the questions about it, in every layer (docs/cascade.md).
struct Gate: Sendable, Equatable {
  let weight: Float
  let share: Float

  /// For the sequence's own past: what was said before in a conversation mostly belongs to it.
  static func own(_ strictness: Float) -> Gate {
    Gate(weight: 5 * strictness, share: min(1, 0.2 * strictness))
  }

  /// For other sessions: what they said belongs here only when the words leave little doubt.
  static func past(_ strictness: Float) -> Gate {
    Gate(weight: 11 * strictness, share: min(1, 0.25 * strictness))
  }

  /// - Parameters:
  ///   - score: what the shared words weigh.
  ///   - total: what all of the latest words weigh.
  func admits(_ score: Float, of total: Float) -> Bool {
    score >= weight && score >= share * total
  }
}
