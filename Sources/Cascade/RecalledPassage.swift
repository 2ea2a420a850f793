package import Cache
public import Model

/// A block that took part in a reply from outside its window: what `--explain` tells.
public struct RecalledPassage: Sendable, Equatable {
  /// Where a block was when it was first wanted.
  public enum Place: String, Sendable, Codable {
    case memory
    case compressed
    case disk
  }

  /// The session that said it.
  public let session: String
  /// Whether it is a concept: what several passages say, in the words of one.
  public let isConcept: Bool
  /// Whether that is another session than the reply's.
  public let isPast: Bool
  /// Turns of the session that had ended before it.
  public let turn: Int
  /// The block's number in its session.
  public let block: Int
  /// Seconds since 1970 at which it was read; nil for what the reply itself has read.
  public let time: Int64?
  public let tokens: [TokenID]
  /// Times that a layer chose it.
  public let choices: Int
  /// What the words weigh that it shares with those that led to it, in nats of rarity; nil when only
  /// layers' queries did.
  public let weight: Float?
  public let place: Place
}

extension RecalledPassage.Place {
  package init(_ tier: Tier) {
    self =
      switch tier {
      case .exact: .memory
      case .packed: .compressed
      case .disk: .disk
      }
  }
}
