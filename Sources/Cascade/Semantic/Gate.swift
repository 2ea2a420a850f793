internal import Glibc

/// What keeps unrelated memory out: how much the latest words must share with a passage, in nats of
/// rarity and as a share of what they weigh.
///
/// Keys do not tell: held against the embedded model's index, prose that has nothing to do with a
/// conversation scores as high as the questions about it, in every layer (docs/cascade.md).
package struct Gate: Sendable, Equatable {
  package let weight: Float
  package let share: Float

  package init(weight: Float, share: Float) {
    self.weight = weight
    self.share = share
  }

  /// For the sequence's own past: what was said before in a conversation mostly belongs to it.
  package static func own(_ strictness: Float, passages: Int) -> Gate {
    let growth = growth(passages)
    return Gate(
      weight: strictness * (5 + growth),
      share: min(1, strictness * max(0.2, 0.18 + 0.03 * growth)))
  }

  /// For other sessions: what they said belongs here only when the words leave little doubt.
  package static func past(_ strictness: Float, passages: Int) -> Gate {
    Gate(weight: strictness * (11 + growth(passages)), share: min(1, 0.25 * strictness))
  }

  /// How many more nats must be shared because there are more passages: among n that are as likely to
  /// share s nats by accident as e^-s, about n e^-s do.
  private static func growth(_ passages: Int) -> Float {
    logf(1 + Float(passages) / TokenRarity.assumedPassages)
  }

  /// - Parameters:
  ///   - score: what the shared words weigh.
  ///   - total: what all of the latest words weigh.
  package func admits(_ score: Float, of total: Float) -> Bool {
    score >= weight && score >= share * total
  }
}
