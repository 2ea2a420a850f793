public import Cascade
public import Model

/// A block of text that memory keeps.
public struct StoredPassage: Sendable, Equatable {
  /// What it is called: 32 hexadecimal digits. The first of them will do wherever an id is asked for, six
  /// or more, as long as no other passage of the namespace begins with the same.
  public let id: String
  public let namespace: String
  /// The session that read it.
  public let session: String
  /// Turns of the session that had ended before it.
  public let turn: Int
  /// The block's number in its session.
  public let block: Int
  /// Seconds since 1970 at which it was read.
  public let time: Int64
  public let tokens: [TokenID]
  /// What the tokens say. A character that is cut in two by the block's end shows as U+FFFD.
  public let text: String
  /// Where its keys and values are, those that are furthest away; nil when some of them are gone.
  public let place: RecalledPassage.Place?
  /// Whether it is a concept: what several passages say, in the words of one.
  public let isConcept: Bool
  /// Ids of the passages that a concept was made of; some of them may be gone.
  public let links: [String]
}

/// A passage that a search has found.
public struct FoundPassage: Sendable, Equatable {
  public let passage: StoredPassage
  /// What the words weigh that it shares with those searched for, in nats of rarity.
  public let score: Float
}

/// A passage and the ids of those beside it.
public struct PassageInPlace: Sendable, Equatable {
  public let passage: StoredPassage
  /// The passage that was read before it; nil for a session's first, and when it is gone.
  public let previous: String?
  /// Those that were read after it: several where texts begin alike and go on differently.
  public let next: [String]
}
