/// What the store knows of a block's origin, so that it can be found and forgotten.
package struct BlockAttributes: Hashable, Sendable {
  /// Digest of the model file.
  package var model: UInt64
  /// The owner.
  package var namespace: UInt64
  package var session: UInt64
  /// Milliseconds to compute the block again.
  package var cost: Double
  package var memory: MemoryKind

  package init(
    model: UInt64, namespace: UInt64, session: UInt64, cost: Double, memory: MemoryKind = .episodic
  ) {
    self.model = model
    self.namespace = namespace
    self.session = session
    self.cost = cost
    self.memory = memory
  }
}

/// A block that the store has at least a frame of.
package struct StoredBlock: Sendable {
  package let identity: BlockIdentity
  package let attributes: BlockAttributes
  /// Opaque bytes of whoever put it.
  package let metadata: [UInt8]
  /// Nanoseconds since 1970 at which it was put; later blocks of a process have greater ones.
  package let sequence: UInt64
  /// Whether every frame is in some tier.
  package let isComplete: Bool
  /// Whether it would survive a loss of power: written and synced.
  package let isDurable: Bool
  package let isPinned: Bool
}

/// Which blocks to forget.
package enum BlockScope: Hashable, Sendable {
  case block(BlockIdentity)
  case session(UInt64)
  case namespace(UInt64)
  case model(UInt64)

  package func covers(_ identity: BlockIdentity, _ attributes: BlockAttributes) -> Bool {
    switch self {
    case .block(let block): block == identity
    case .session(let session): session == attributes.session
    case .namespace(let namespace): namespace == attributes.namespace
    case .model(let model): model == attributes.model
    }
  }
}
