/// What a consolidation has come to.
public struct ConsolidationReport: Sendable, Equatable {
  public let namespace: String
  /// Statements of the namespace's passages that were compared; none when nothing had changed.
  public internal(set) var statements = 0
  /// Concepts that the namespace has now.
  public internal(set) var concepts = 0
  /// Of them, those whose gist was read now.
  public internal(set) var made = 0
  /// Concepts that are none any more.
  public internal(set) var dropped = 0
  /// Whether nothing had changed since the last time, so that nothing was done.
  public internal(set) var isUnchanged = false
  /// Whether it was stopped before all was done; the next one goes on from there.
  public internal(set) var isCancelled = false
}
