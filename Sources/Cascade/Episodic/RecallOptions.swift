/// How blocks that have left the window come back into attention.
public struct RecallOptions: Sendable, Equatable {
  /// The most blocks that each layer recalls at a time; 0: none.
  public var blocks: Int
  /// How many of them are those that the latest words point to, for all layers alike; at most 4. The
  /// blocks beside these come too, as far as there is room.
  public var routed: Int
  /// How much the latest words must have in common with a passage before anything is recalled: 0 lets
  /// everything in, 1 is what was found to keep unrelated memory out, more keeps out more.
  public var gate: Float
  /// Tokens from one choice of blocks to the next.
  public var every: Int
  /// What a block is judged by.
  public var scorer: Scorer
  /// Where recalled blocks stand before the window.
  public var placement: Placement

  public init(
    blocks: Int = 8, routed: Int = 2, gate: Float = 1, every: Int = 8,
    scorer: Scorer = .bounds, placement: Placement = .compact
  ) {
    self.blocks = blocks
    self.routed = routed
    self.gate = gate
    self.every = every
    self.scorer = scorer
    self.placement = placement
  }

  /// What a layer's index keeps of a block's keys, and how a query is held against it.
  public enum Scorer: String, Sendable, CaseIterable {
    /// The mean of the block's keys.
    case mean
    /// A few keys that stand for the rest; the best of them counts (after InfLLM, Xiao et al. 2024,
    /// arXiv:2402.04617).
    case representatives
    /// The least and the greatest of each channel: a bound on every key's score (Quest, Tang et al.
    /// 2024, arXiv:2406.10774).
    case bounds
    /// Every key: what the others approximate.
    case exact
  }

  /// The positions at which recalled blocks are attended.
  public enum Placement: String, Sendable, CaseIterable {
    /// In the order of time, one after another, just before the window.
    case compact
    /// All at the same distance, that of a block just before the window.
    case constant
    /// At their true distance, or at the greatest that the trained context allows.
    case clamped
  }
}

/// Whose memory a reply may draw on.
public enum MemoryScope: String, Sendable, CaseIterable {
  /// What the window shows, nothing else.
  case none
  /// What was said in the same session.
  case session
  /// What was said in any session of the same namespace.
  case namespace
}
