/// Where a frame is kept, best first.
package enum Tier: UInt8, Sendable, Hashable, CaseIterable, Comparable {
  /// L1: in memory as attention reads it.
  case exact
  /// L2: in memory, encoded.
  case packed
  /// L3: in a segment file.
  case disk

  package static func < (left: Tier, right: Tier) -> Bool { left.rawValue < right.rawValue }
}

/// Which of the cascade's memories a block serves; statistics are kept for each.
package enum MemoryKind: UInt8, Sendable, Hashable, CaseIterable {
  case working
  case episodic
  case semantic
}
