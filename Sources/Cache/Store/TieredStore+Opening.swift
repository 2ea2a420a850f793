/// Reading the folder, and warming up.
extension TieredStore {
  func open(_ folder: String) throws(StoreError) {
    let segments = SegmentStore(
      folder: folder, disk: disk, segmentBytes: options.segmentSize, table: table)
    gate.withLock { $0.segments = segments }
    do throws(StoreError) {
      try withGate { (_, segments) throws(DiskError) in
        apply(try segments.open(), segments)
        // Others need room there as well.
        let room = segments.fileBytes + (try disk.freeBytes(folder)) / 2
        withState { $0.limitDisk(to: room) }
      }
    } catch {
      segments.close()
      throw error
    }
  }

  /// Reads what other processes have appended, forgotten and compacted. Reads files.
  package func refresh() throws(StoreError) {
    try checkOpen()
    guard folder != nil else { return }
    try withGate { (_, segments) throws(DiskError) in try refresh(segments) }
  }

  func refresh(_ segments: SegmentStore) throws(DiskError) {
    apply(try segments.refresh(), segments)
  }

  private func apply(_ findings: SegmentStore.Findings, _ segments: SegmentStore) {
    let removed = Set(findings.removed)
    let (ownBytes, ownFrames) = (frameBytes, framesPerBlock)
    withState { state in
      for (scope, sequence) in findings.tombstones {
        state.noteSequence(sequence)
        _ = state.invalidate(before: sequence) { scope.covers($0, $1) }
      }
      for (header, metadata, place) in findings.records {
        let isOwn = header.frameBytes == ownBytes && header.sections.count == ownFrames
        state.addFound(
          StoreState.FoundBlock(
            identity: header.identity, attributes: header.attributes, metadata: metadata,
            sequence: header.sequence, place: place,
            frames: isOwn ? header.sections.map { !$0.isAbsent } : nil),
          removed: removed)
      }
      state.dropRecords(in: removed)
    }
    segments.drop(findings.removed)
  }

  /// Brings what is worth most into L1's free slots, in the background: pinned blocks, then those used
  /// most, then the latest.
  ///
  /// - Parameter bytes: the most to bring; nil: as much as has room.
  package func preload(bytes: Int? = nil) {
    let keys = withState { $0.bestFramesBelow() }
    prefetch(Array(keys.prefix(bytes.map { $0 / frameBytes } ?? keys.count)))
  }
}

extension StoreState {
  /// Lowers the disk's budget to what there is room for.
  mutating func limitDisk(to bytes: Int) {
    diskBudget = min(fullDiskBudget, bytes)
    diskPolicy.budget = diskBudget
  }

  /// The frames that would fill L1's free slots, best first.
  func bestFramesBelow() -> [FrameKey] {
    var room = freeSlots.count - reserve
    let candidates = index.values.filter { !blocks[$0].isForeign && blocks[$0].present > 0 }
    let best = candidates.sorted { left, right in
      let (a, b) = (blocks[left], blocks[right])
      return (a.pins > 0 ? 1 : 0, a.hits, a.sequence) > (b.pins > 0 ? 1 : 0, b.hits, b.sequence)
    }
    var keys: [FrameKey] = []
    for block in best where room > 0 {
      for frame in frameRange(block)
      where frames[frame].isPresent && frames[frame].slot < 0 && room > 0 {
        keys.append(key(of: frame))
        room -= 1
      }
    }
    return keys
  }
}
