/// What an engine's memory holds of its model.
public struct MemoryHoldings: Sendable, Equatable {
  /// What one owner's memory holds.
  public struct Namespace: Sendable, Equatable {
    public let name: String
    public internal(set) var sessions = 0
    public internal(set) var passages = 0
    public internal(set) var tokens = 0
    public internal(set) var bytes = Bytes()
    /// Semantic memory's part, which is not in the figures above.
    public internal(set) var concepts = 0
    public internal(set) var conceptBytes = Bytes()
  }

  /// Bytes in each tier; copies in several tiers count in each.
  public struct Bytes: Sendable, Equatable {
    /// As attention reads them.
    public internal(set) var memory = 0
    public internal(set) var compressed = 0
    public internal(set) var disk = 0
  }

  /// By name.
  public internal(set) var namespaces: [Namespace] = []
  /// Blocks of other models, of other block lengths or number formats: they are kept, and not seen.
  public internal(set) var unseenBlocks = 0
  public internal(set) var unseenBytes = Bytes()
}
