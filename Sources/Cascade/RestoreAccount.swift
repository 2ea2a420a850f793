/// What taking blocks over, rather than reading their tokens again, has cost a reply and saved it.
public struct RestoreAccount: Sendable, Equatable {
  /// Blocks whose keys and values were brought to where attention sees them.
  public var blocks = 0
  /// How long that took.
  public var duration = Duration.zero
  /// Blocks that were there, and read again as that takes less time.
  public var declined = 0
  /// How long reading a block takes, as measured lately; nil before it was.
  public var readingBlock: Duration?

  public init() {}
}
