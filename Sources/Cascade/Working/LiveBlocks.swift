internal import Cache
internal import Model

/// Blocks of prompts that sequences in progress have read, so that whoever begins with the same text shares
/// them instead of reading it again.
///
/// Only what was read is in here, never what was generated: a shared block has the bits that its new holder
/// would have computed. The pool counts the holders, too; an entry goes with the last sequence that is
/// counted here, so it never names a block that nobody holds.
struct LiveBlocks {
  private var entries: [BlockIdentity: (block: KVBlockID, holders: Int)] = [:]

  subscript(identity: BlockIdentity) -> KVBlockID? { entries[identity]?.block }

  /// A sequence has read this block, or has taken it over from here.
  ///
  /// - Returns: false where another sequence has read the same at the same time: its block is the one that is
  ///   shared.
  mutating func hold(_ identity: BlockIdentity, in block: KVBlockID) -> Bool {
    guard let entry = entries[identity] else {
      entries[identity] = (block, 1)
      return true
    }
    guard entry.block == block else { return false }
    entries[identity] = (block, entry.holders + 1)
    return true
  }

  /// A sequence lets go of these blocks.
  mutating func release(_ identities: [BlockIdentity]) {
    for identity in identities {
      guard let entry = entries[identity] else { continue }
      entries[identity] = entry.holders > 1 ? (entry.block, entry.holders - 1) : nil
    }
  }
}
