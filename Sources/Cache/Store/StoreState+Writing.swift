/// Blocks on their way to disk. A frame counts as on disk only once its record is synced.
extension StoreState {
  /// A block to be written.
  package struct WriteJob {
    package var identity: BlockIdentity
    var attributes: BlockAttributes
    var metadata: [UInt8]
    var sequence: UInt64
    /// nil: in no tier. Slots are held until the write is finished.
    package var frames: [Source?]
    /// Whether the block was never on disk.
    var isNew: Bool
  }

  /// Whether the background should write: much of L2 is dirty, or a block was used often.
  var wantsWrite: Bool {
    hasDisk && dirty.count > 0 && (!eager.isEmpty || dirtyPackedBytes > packedBudget / 4)
  }

  /// The next block to be written; nil when none is dirty.
  ///
  /// - Parameter isEagerOnly: only blocks that were used often.
  package mutating func beginWrite(isEagerOnly: Bool = false) -> WriteJob? {
    guard hasDisk else { return nil }
    while let identity = eager.popLast() {
      if let block = index[identity], blocks[block].isDirty { return writeJob(block) }
    }
    if isEagerOnly { return nil }
    while let identity = dirty.popFirst() {
      if let block = index[identity], blocks[block].isDirty { return writeJob(block) }
    }
    return nil
  }

  private mutating func writeJob(_ block: Int) -> WriteJob {
    var sources: [Source?] = []
    sources.reserveCapacity(framesPerBlock)
    for frame in frameRange(block) {
      let (slot, packedPlace) = (Int(frames[frame].slot), Int(frames[frame].packed))
      if packedPlace >= 0, let entry = packed[packedPlace] {
        sources.append(.packed(entry.bytes))
      } else if slot >= 0 {
        hold(slot)
        sources.append(.slot(slot))
      } else if frames[frame].isOnDisk, let place = blocks[block].place {
        sources.append(.disk(place))
      } else {
        sources.append(nil)
      }
    }
    return WriteJob(
      identity: blocks[block].identity, attributes: blocks[block].attributes,
      metadata: blocks[block].metadata, sequence: blocks[block].sequence, frames: sources,
      isNew: !blocks[block].wasWritten)
  }

  /// Gives back what a write held, written or not. One that failed is dirty as before.
  package mutating func endWrite(_ job: WriteJob, failed: Bool) {
    for case .slot(let slot)? in job.frames { giveBack(slot) }
    if failed, let block = index[job.identity], blocks[block].isDirty {
      dirty.append(job.identity)
    }
  }

  /// Notes that a block's record is synced. Until ``endWrite(_:failed:)`` its slots stay held.
  package mutating func finishWrite(_ job: WriteJob, at place: RecordPlace) {
    guard let block = index[job.identity], blocks[block].sequence == job.sequence else {
      // Invalidated meanwhile, or put again.
      deadRecords.append(place)
      if let block = index[job.identity], blocks[block].isDirty { dirty.append(job.identity) }
      return
    }
    let isPoorer = job.frames.enumerated().contains { offset, source in
      source == nil && frames[block * framesPerBlock + offset].isOnDisk
    }
    if isPoorer {
      // Written twice, and a frame that the first record has was lost in memory meanwhile.
      deadRecords.append(place)
      if blocks[block].isDirty { dirty.append(job.identity) }
      return
    }
    dropRecord(of: block, reason: .invalidated, keepsFrames: true)
    blocks[block].place = place
    blocks[block].wasWritten = true
    addDiskBytes(place.byteCount, of: block)
    enterDiskPolicy(block)
    for (offset, source) in job.frames.enumerated() where source != nil {
      setOnDisk(block * framesPerBlock + offset)
    }
    setDisposable(block, false)
    if blocks[block].isDirty { dirty.append(job.identity) }
    isDemotionBlocked = false
  }

  private mutating func addDiskBytes(_ count: Int, of block: Int) {
    diskBytes += count
    self[.disk, of: block * framesPerBlock].bytes += count
  }

  private mutating func setOnDisk(_ frame: Int) {
    guard !frames[frame].isOnDisk else { return }
    if !frames[frame].isPresent { blocks[frame / framesPerBlock].present += 1 }
    frames[frame].isOnDisk = true
    self[.disk, of: frame].frames += 1
    updateEvictable(frame)
  }

  /// Takes a block's record from the disk tier.
  ///
  /// - Parameter keepsFrames: the caller has another record, and says which frames it holds.
  mutating func dropRecord(of block: Int, reason: RemovalReason, keepsFrames: Bool = false) {
    guard let place = blocks[block].place else { return }
    blocks[block].place = nil
    addDiskBytes(-place.byteCount, of: block)
    diskPolicy.remove(blocks[block].identity, reason: reason)
    deadRecords.append(place)
    if keepsFrames || blocks[block].isForeign { return }
    for frame in frameRange(block) where frames[frame].isOnDisk {
      frames[frame].isOnDisk = false
      self[.disk, of: frame].frames -= 1
      if !frames[frame].isPresent { blocks[block].present -= 1 }
    }
  }

  /// Lets go the block that the disk's policy wants least.
  ///
  /// - Returns: bytes of its record; nil when everything is pinned or protected.
  package mutating func evictFromDisk() -> Int? {
    guard let identity = diskPolicy.victim(), let block = index[identity],
      let bytes = blocks[block].place?.byteCount
    else { return nil }
    let gone = frameRange(block).count { frames[$0].isOnDisk }
    self[.disk, of: block * framesPerBlock][evicted: .room] += gone
    // Written again at once, it would only push out others.
    dropRecord(of: block, reason: .evicted)
    setDisposable(block, true)
    removeBlockIfGone(block)
    return bytes
  }

  // MARK: - What is found on disk

  /// A record that was found when the segments were read.
  package struct FoundBlock {
    var identity: BlockIdentity
    var attributes: BlockAttributes
    var metadata: [UInt8]
    var sequence: UInt64
    var place: RecordPlace
    /// Which frames the record holds; nil: it is of another model's shape.
    var frames: [Bool]?

    package init(
      identity: BlockIdentity, attributes: BlockAttributes, metadata: [UInt8], sequence: UInt64,
      place: RecordPlace, frames: [Bool]?
    ) {
      self.identity = identity
      self.attributes = attributes
      self.metadata = metadata
      self.sequence = sequence
      self.place = place
      self.frames = frames
    }
  }

  /// Adds a block from disk, unless it is known already with a record as new.
  ///
  /// - Parameter removed: segments that are no more; a record elsewhere replaces one in them.
  package mutating func addFound(_ found: FoundBlock, removed: Set<Int> = []) {
    noteSequence(found.sequence)
    let block: Int
    if let known = index[found.identity] {
      block = known
      if let place = blocks[known].place {
        // Compaction leaves two records that are equal when it is interrupted: the later copy counts. A
        // block that was written twice may have lost a frame between: the fuller one counts.
        let frameCount = found.frames?.count { $0 } ?? 0
        let knownCount = frameRange(known).count { frames[$0].isOnDisk }
        let isNewer =
          removed.contains(place.segment)
          || (found.sequence, frameCount, found.place.segment, found.place.offset)
            > (blocks[known].sequence, knownCount, place.segment, place.offset)
        guard isNewer else {
          if place != found.place { deadRecords.append(found.place) }
          return
        }
        dropRecord(of: known, reason: .invalidated)
      }
      if found.sequence > blocks[known].sequence { blocks[known].sequence = found.sequence }
    } else {
      var new = Block(
        identity: found.identity, attributes: found.attributes, metadata: found.metadata,
        sequence: found.sequence)
      new.isForeign = found.frames == nil
      block = addBlock(new)
    }
    blocks[block].place = found.place
    blocks[block].wasWritten = true
    addDiskBytes(found.place.byteCount, of: block)
    enterDiskPolicy(block)
    if let present = found.frames {
      for (offset, isThere) in present.enumerated() where isThere {
        setOnDisk(block * framesPerBlock + offset)
      }
      updateDirty(block)
    }
  }

  /// Notes that segments are no more: what was only there is gone.
  mutating func dropRecords(in removed: Set<Int>) {
    guard !removed.isEmpty else { return }
    for block in index.values {
      guard let place = blocks[block].place, removed.contains(place.segment) else { continue }
      dropRecord(of: block, reason: .invalidated)
      for frame in frameRange(block) { updateEvictable(frame) }
      updateDirty(block)
      removeBlockIfGone(block)
    }
  }

  /// Notes that compaction has copied a record.
  mutating func moveRecord(of identity: BlockIdentity, from: RecordPlace, to: RecordPlace) {
    guard let block = index[identity], blocks[block].place == from else {
      deadRecords.append(to)
      return
    }
    blocks[block].place = to
  }
}
