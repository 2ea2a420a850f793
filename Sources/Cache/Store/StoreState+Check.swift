/// Looking at the state.
extension StoreState {
  package func bestTier(of key: FrameKey) -> Tier? {
    guard let frame = frameIndex(key) else { return nil }
    return bestTier(of: frame)
  }

  private func bestTier(of frame: Int) -> Tier? {
    if frames[frame].slot >= 0 { return .exact }
    if frames[frame].packed >= 0 { return .packed }
    return frames[frame].isOnDisk ? .disk : nil
  }

  package func worstTier(of identity: BlockIdentity) -> Tier? {
    guard let block = index[identity], !blocks[block].isForeign else { return nil }
    var worst = Tier.exact
    for frame in frameRange(block) {
      guard let tier = bestTier(of: frame) else { return nil }
      worst = max(worst, tier)
    }
    return worst
  }

  /// The record that holds a frame, if one does.
  package func recordPlace(of key: FrameKey) -> RecordPlace? {
    guard let frame = frameIndex(key), frames[frame].isOnDisk else { return nil }
    return blocks[frame / framesPerBlock].place
  }

  package func storedBlock(_ identity: BlockIdentity) -> StoredBlock? {
    guard let block = index[identity], !blocks[block].isForeign, blocks[block].present > 0 else {
      return nil
    }
    return storedBlock(block)
  }

  private func storedBlock(_ block: Int) -> StoredBlock {
    let range = frameRange(block)
    return StoredBlock(
      identity: blocks[block].identity, attributes: blocks[block].attributes,
      metadata: blocks[block].metadata, sequence: blocks[block].sequence,
      isComplete: range.allSatisfy { frames[$0].isPresent },
      isDurable: range.allSatisfy { frames[$0].isOnDisk }, isPinned: blocks[block].pins > 0)
  }

  func allBlocks() -> [StoredBlock] {
    index.values.filter { !blocks[$0].isForeign && blocks[$0].present > 0 }.map(storedBlock)
  }

  package func snapshot() -> StoreStatistics {
    var result = statistics
    result.blocks = index.count
    result.dirtyBlocks = dirty.count
    result.tiers[.exact].bytes = heldSlots * frameBytes
    result.tiers[.exact].budget = allowedSlots * frameBytes
    result.tiers[.packed].bytes = packedBytes
    result.tiers[.packed].budget = packedBudget
    result.tiers[.disk].bytes = diskBytes
    result.tiers[.disk].budget = hasDisk ? diskBudget : 0
    return result
  }

  private var heldSlots: Int {
    slotCount - freeSlots.count - retiredSlots.count - retiringCount
  }

  /// Recounts everything that is kept as a number or twice.
  ///
  /// - Returns: a sentence for each difference; none unless there is a defect.
  package func violations() -> [String] {
    var found: [String] = []
    func expect(_ isTrue: Bool, _ message: @autoclosure () -> String) {
      if !isTrue { found.append(message()) }
    }
    // Slots.
    var phases: [Slot.Phase: Int] = [:]
    var lends = 0
    for (number, slot) in slots.enumerated() {
      phases[slot.phase, default: 0] += 1
      lends += slot.lends
      if slot.frame >= 0 {
        expect(frames[slot.frame].slot == number, "slot \(number) and its frame disagree")
        expect(
          slot.phase == .readable || slot.phase == .leaving, "slot \(number) is \(slot.phase)")
        expect(
          exactPolicy.contains(key(of: slot.frame)) == (slot.phase == .readable),
          "L1's policy is wrong about slot \(number), which is \(slot.phase)")
        expect(slot.phase == .readable || slot.lends == 0, "a lent frame leaves slot \(number)")
      } else if slot.phase == .readable {
        expect(slot.lends > 0 || slot.isEncoding, "slot \(number) is an orphan that nobody reads")
      }
    }
    expect(phases[.free, default: 0] == freeSlots.count, "free slots")
    expect(phases[.retired, default: 0] == retiredSlots.count, "retired slots")
    expect(phases[.retiring, default: 0] == retiringCount, "retiring slots")
    expect(lends == statistics.lentFrames, "\(lends) lent frames, not \(statistics.lentFrames)")
    // L2.
    var (bytes, dirtyBytes, evictable) = (0, 0, 0)
    for (place, entry) in packed.enumerated() {
      guard let entry else { continue }
      bytes += entry.bytes.byteCount
      if !entry.isEvictable { dirtyBytes += entry.bytes.byteCount }
      if entry.isEvictable { evictable += entry.bytes.byteCount }
      expect(frames[entry.frame].packed == place, "packed frame \(place) and its frame disagree")
      expect(
        packedPolicy.contains(key(of: entry.frame)) == entry.isEvictable,
        "L2's policy is wrong about packed frame \(place)")
    }
    expect(bytes == packedBytes, "\(bytes) packed bytes, not \(packedBytes)")
    expect(dirtyBytes == dirtyPackedBytes, "\(dirtyBytes) dirty bytes, not \(dirtyPackedBytes)")
    expect(evictable == packedPolicy.usedBytes, "L2's policy counts \(packedPolicy.usedBytes)")
    // Blocks.
    var counts = StoreStatistics()
    var (onDisk, dirtyCount, pinned, metadata) = (0, 0, 0, 0)
    for (identity, block) in index {
      let known = blocks[block]
      expect(known.identity == identity, "the index leads to another block")
      let range = frameRange(block)
      let present = range.count { frames[$0].isPresent }
      expect(present == known.present, "block \(identity): \(present) frames, not \(known.present)")
      expect(range.count { frames[$0].isFilling } == known.filling, "block \(identity): filling")
      expect(
        present > 0 || known.filling > 0 || known.isForeign, "block \(identity) has no frame left")
      for frame in range {
        if frames[frame].slot >= 0 {
          expect(slots[Int(frames[frame].slot)].frame == frame, "frame and slot disagree")
        }
        expect(!frames[frame].isOnDisk || known.place != nil, "a frame on disk without a record")
        expect(!frames[frame].isArrival || frames[frame].slot >= 0, "an arrival is not in L1")
        let place = Int(frames[frame].packed)
        let packedBytes = place >= 0 ? packed[place]?.bytes.byteCount ?? 0 : 0
        counts.add(.exact, known.attributes.memory, frames[frame].slot >= 0, frameBytes)
        counts.add(.packed, known.attributes.memory, place >= 0, packedBytes)
        counts.add(.disk, known.attributes.memory, frames[frame].isOnDisk, 0)
      }
      let isDirty =
        hasDisk && !known.isForeign && !known.isDisposable
        && range.contains {
          (frames[$0].slot >= 0 || frames[$0].packed >= 0) && !frames[$0].isOnDisk
        }
      expect(isDirty == known.isDirty, "block \(identity): dirty is \(known.isDirty)")
      dirtyCount += isDirty ? 1 : 0
      pinned += known.pins > 0 ? 1 : 0
      metadata += known.metadata.count
      onDisk += known.place?.byteCount ?? 0
      counts.add(.disk, known.attributes.memory, false, known.place?.byteCount ?? 0)
      expect((known.place != nil) == diskPolicy.contains(identity), "L3's policy is wrong")
      expect(
        known.isProtected == protection.covers(identity, known.attributes),
        "block \(identity): protected is \(known.isProtected)")
    }
    expect(onDisk == diskBytes, "\(onDisk) bytes on disk, not \(diskBytes)")
    expect(onDisk == diskPolicy.usedBytes, "L3's policy counts \(diskPolicy.usedBytes)")
    expect(dirtyCount == dirty.count, "\(dirtyCount) dirty blocks, not \(dirty.count)")
    expect(pinned == statistics.pinnedBlocks, "\(pinned) pinned, not \(statistics.pinnedBlocks)")
    for tier in Tier.allCases {
      for memory in MemoryKind.allCases {
        let (counted, kept) = (counts.tiers[tier][memory], statistics.tiers[tier][memory])
        expect(
          (counted.frames, counted.bytes) == (kept.frames, kept.bytes),
          "\(memory) memory in the \(tier) tier: \(counted.frames) frames of \(counted.bytes) bytes, not "
            + "\(kept.frames) of \(kept.bytes)")
      }
    }
    expect(metadata == statistics.metadataBytes, "bytes of metadata")
    expect(index.count + freeBlocks.count == blocks.count, "places of blocks")
    return found
  }
}

extension StoreStatistics {
  /// For the recount.
  fileprivate mutating func add(
    _ tier: Tier, _ memory: MemoryKind, _ isThere: Bool, _ bytes: Int
  ) {
    tiers[tier][memory].frames += isThere ? 1 : 0
    tiers[tier][memory].bytes += isThere || tier == .disk ? bytes : 0
  }
}
