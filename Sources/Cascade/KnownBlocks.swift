package import Cache

/// The blocks that a text begins with, as they were named when it was read before.
package struct KnownBlocks: Sendable, Equatable {
  /// Those that were filled, in order.
  package var blocks: [BlockIdentity] = []
  /// The block behind them, which was not; nil when there is none.
  package var tail: BlockIdentity?
  /// Those among them that cannot be used; they are read again.
  package var unusable: Set<Int> = []
  /// How many of `blocks` a session has said that it has: what of them is missing is told.
  package var promised = 0

  package init() {}

  func name(of block: Int) -> BlockIdentity? { block < blocks.count ? blocks[block] : nil }
}
