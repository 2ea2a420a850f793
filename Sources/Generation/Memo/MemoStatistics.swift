/// What an engine's request memo was worth: replies that were given again rather than made, of all that it was
/// asked for.
public struct MemoStatistics: Sendable, Equatable {
  /// Requests that were answered from it.
  public var hits = 0
  /// Requests that might have been, and were not there.
  public var misses = 0
  /// Replies that it holds.
  public var replies = 0
  /// Bytes that they take, and may take.
  public var bytes = 0
  public var budget = 0
  /// Replies that it has let go of for room.
  public var evictions = 0

  /// The share of requests that were answered from it; nil before the first one.
  public var hitRate: Double? {
    hits + misses > 0 ? Double(hits) / Double(hits + misses) : nil
  }
}
