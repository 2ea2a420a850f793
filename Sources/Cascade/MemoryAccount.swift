/// What memory did for one reply, in tokens unless said otherwise.
public struct MemoryAccount: Sendable, Equatable {
  /// Prompt tokens that were taken over from blocks read before.
  public var cached = 0
  /// Tokens of the session's earlier turns that had to be read again, as what was kept of them is gone
  /// or cannot be used.
  public var reread = 0
  /// Why; nil when there were none.
  public var reasonForRereading: String?
  /// Blocks that layers chose and saw, counted once for each layer and choice.
  public var recalled = 0
  /// The same, of other sessions.
  public var recalledFromPast = 0
  /// Times a chosen block was not in memory when it was wanted; the reply went on without it.
  public var misses = 0
  /// Tokens that memory could not keep.
  public var dropped = 0
  /// Why; nil when nothing was dropped.
  public var reasonForDropping: String?

  /// What was recalled, the most chosen first; empty unless it was asked for.
  public var passages: [RecalledPassage] = []

  public init() {}
}
