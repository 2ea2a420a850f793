internal import Cache
internal import Hardware
internal import Model

/// What an engine takes of the machine's memory, by part, in bytes. What is reserved is taken when it is
/// first touched.
public struct MemoryUse: Sendable, Equatable {
  /// The model's weights, a draft model's included.
  public var weights: Int
  /// Keys and values: what they may take, and what replies in progress hold.
  public var keyValues: Part
  /// What a pass works in.
  public var workspace: Int
  /// Blocks that memory keeps as attention reads them.
  public var exactBlocks: Part
  /// Blocks that memory keeps encoded.
  public var packedBlocks: Part
  /// Replies that are kept to be told again.
  public var replies: Part
  /// What all parts may come to.
  public var most: Int {
    weights + keyValues.most + workspace + exactBlocks.most + packedBlocks.most + replies.most
  }
  /// The limit that was set; nil: none was.
  public var budget: Int?
  /// What the process has in memory now, and had at most; nil where the system does not say.
  public var resident: Int?
  public var peak: Int?

  public struct Part: Sendable, Equatable {
    public var most: Int
    public var used: Int
  }
}

extension Engine {
  /// What the engine takes of memory, and may come to take.
  public func measureMemory() async -> MemoryUse { await core.memoryUse }

  /// Touches what a first reply would otherwise wait for: weights, work space, the threads' stacks.
  ///
  /// - Parameter tokens: how long a prompt is read.
  public func warmup(tokens: Int = 32) async throws(EngineError) {
    _ = try await measurePrefill(tokens: max(1, min(tokens, contextLength - 1)))
    _ = try await measureDecode(tokens: 1)
  }
}

extension Stepper {
  /// - Parameter replies: what those take that are kept to be told again.
  func memoryUse(replies: MemoStatistics) -> MemoryUse {
    let (process, tiers) = (ProcessMemory(), store.tiers.statistics().tiers)
    func part(_ tier: Tier) -> MemoryUse.Part {
      MemoryUse.Part(most: tiers[tier].budget, used: tiers[tier].bytes)
    }
    let size = pool.layout.blockByteCount
    return MemoryUse(
      weights: model.weightByteCount + (draftModel?.model.weightByteCount ?? 0),
      keyValues: MemoryUse.Part(most: pool.capacity * size, used: pool.lent * size),
      workspace: pass.workspaceBytes + (draftModel?.workspaceBytes ?? 0),
      exactBlocks: part(.exact), packedBlocks: part(.packed),
      replies: MemoryUse.Part(most: replies.budget, used: replies.bytes),
      budget: options.memoryBytes,
      resident: process.resident, peak: process.peak)
  }
}
