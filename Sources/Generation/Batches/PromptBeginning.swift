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
    var blocks: [UInt64] = []
    // FNV-1a over the owner and the tokens, spread at the end of each block.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }
    for byte in owner.utf8 { add(UInt64(byte)) }
    for (index, token) in tokens.dropLast().enumerated() {
      add(UInt64(UInt32(bitPattern: token)))
      guard (index + 1) % blockLength == 0 else { continue }
      var mix = SplitMix64(state: hash)
      blocks.append(mix.next())
    }
    self.blocks = blocks
  }

  /// Blocks that both begin with.
  package func common(with other: PromptBeginning) -> Int {
    zip(blocks, other.blocks).prefix { $0 == $1 }.count
  }
}
