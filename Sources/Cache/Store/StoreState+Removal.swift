/// Forgetting and pinning.
extension StoreState {
  /// Forgets blocks in every tier.
  ///
  /// - Parameter before: only blocks with a smaller sequence.
  /// - Returns: the blocks, those among them that are on disk included.
  package mutating func invalidate(
    before sequence: UInt64 = .max,
    where matches: (BlockIdentity, BlockAttributes) -> Bool
  ) -> [BlockIdentity] {
    let victims = index.values.filter { block in
      blocks[block].sequence < sequence
        && matches(blocks[block].identity, blocks[block].attributes)
    }
    let identities = victims.map { blocks[$0].identity }
    for block in victims { invalidate(block) }
    if !victims.isEmpty { isDemotionBlocked = false }
    return identities
  }

  private mutating func invalidate(_ block: Int) {
    for frame in frameRange(block) {
      let slot = Int(frames[frame].slot)
      if slot >= 0 {
        if slots[slot].phase == .readable {
          endArrival(of: frame)
          for _ in 0..<slots[slot].lends { exactPolicy.unpin(key(of: frame)) }
          exactPolicy.remove(key(of: frame), reason: .invalidated)
        }
        self[.exact, of: frame][evicted: .invalidated] += 1
        // A lender or an encoder may still read it.
        slots[slot].frame = -1
        slots[slot].phase = .readable
        clearSlot(of: frame)
        freeIfOrphaned(slot)
      }
      if frames[frame].packed >= 0 {
        removePacked(frame, reason: .invalidated)
        self[.packed, of: frame][evicted: .invalidated] += 1
      }
      if frames[frame].isOnDisk { self[.disk, of: frame][evicted: .invalidated] += 1 }
    }
    dropRecord(of: block, reason: .invalidated)
    if blocks[block].pins > 0 { statistics.pinnedBlocks -= 1 }
    blocks[block].pins = 0
    // A put that is under way finds its block gone.
    blocks[block].filling = 0
    blocks[block].present = 0
    removeBlockIfGone(block)
  }

  /// Keeps a block in the store until it is unpinned as often: it may move between tiers, and never
  /// leaves the last one.
  package mutating func pin(_ identity: BlockIdentity) -> Bool {
    guard let block = index[identity] else { return false }
    if blocks[block].pins == 0 { statistics.pinnedBlocks += 1 }
    blocks[block].pins += 1
    if blocks[block].place != nil { diskPolicy.pin(identity) }
    setDisposable(block, false)
    return true
  }

  package mutating func unpin(_ identity: BlockIdentity) {
    guard let block = index[identity], blocks[block].pins > 0 else { return }
    blocks[block].pins -= 1
    if blocks[block].pins == 0 { statistics.pinnedBlocks -= 1 }
    if blocks[block].place != nil { diskPolicy.unpin(identity) }
    for frame in frameRange(block) { updateEvictable(frame) }
    isDemotionBlocked = false
  }
}
