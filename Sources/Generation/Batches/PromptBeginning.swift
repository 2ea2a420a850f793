internal import Cache
internal import Cascade
package import Model

/// The whole blocks that a prompt begins with, as numbers: equal numbers, equal beginnings.
package struct PromptBeginning: Sendable, Equatable {
  /// One for each block, which stands for everything before it as well.
  package let blocks: [UInt64]

  package init(blocks: [UInt64]) { self.blocks = blocks }

  /// - Parameters:
  ///   - blockLength: tokens. The last token of a prompt is always read, and no part of a beginning.
  ///   - owner: what else two prompts must have in common to share what was read.
  package init(_ tokens: [TokenID], blockLength: Int, owner: String) {
    blocks = BlockIdentity(high: UInt64(naming: owner), low: 0)
      .chain(tokens.dropLast(), blockLength: blockLength).map(\.high)
  }

  /// Blocks that both begin with.
  package func common(with other: PromptBeginning) -> Int {
    zip(blocks, other.blocks).prefix { $0 == $1 }.count
  }
}
