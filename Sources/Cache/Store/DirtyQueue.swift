/// Blocks to be written, oldest first. An entry may be out of date: its reader asks the block.
struct DirtyQueue: Sendable {
  private var entries: [BlockIdentity] = []
  private var head = 0
  /// Blocks that are dirty, kept by the state.
  var count = 0

  mutating func append(_ identity: BlockIdentity) { entries.append(identity) }

  mutating func popFirst() -> BlockIdentity? {
    guard head < entries.count else { return nil }
    defer {
      head += 1
      if head > 64, head * 2 > entries.count {
        entries.removeFirst(head)
        head = 0
      }
    }
    return entries[head]
  }

  /// Every entry, oldest first.
  var identities: ArraySlice<BlockIdentity> { entries[head...] }
}
