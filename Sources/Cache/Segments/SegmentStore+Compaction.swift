/// Copying what lives out of a segment, and removing the rest.
extension SegmentStore {
  struct Move {
    var identity: BlockIdentity
    var from: RecordPlace
    var to: RecordPlace
  }

  /// The segment of which the greatest share is dead, if it is at least `share`.
  func worstSegment(atLeast share: Double, except tried: Set<Int> = []) -> Int? {
    let worst = segments.filter { !tried.contains($0.key) && $0.value.deadBytes > 0 }.max {
      Double($0.value.deadBytes) / Double($0.value.end)
        < Double($1.value.deadBytes) / Double($1.value.end)
    }
    guard let worst, Double(worst.value.deadBytes) / Double(worst.value.end) >= share else {
      return nil
    }
    return worst.key
  }

  /// Copies what lives in a segment to the active one, syncs, tells `apply`, and only then removes the
  /// file. Killed anywhere, every live record is in at least one of the two.
  ///
  /// - Returns: whether it was done; false when another process writes to the segment, or compacts it.
  func compact(
    _ number: Int, time: UInt64, apply: ([Move]) -> Void
  ) throws(DiskError) -> Bool {
    // A file that may come back must not outlive the tombstones that cover it.
    try syncFolder()
    if number == active {
      try sync()
      sealActive()
    }
    guard let segment = segments[number] else { return false }
    guard try disk.lock(segment.file.file, .exclusive, waits: false) else { return false }
    defer { _ = try? disk.lock(segment.file.file, .none, waits: true) }
    // Its name may stand for nothing by now, and it may have grown since it was read.
    guard try disk.list(folder).contains(Self.name(number)) else { return false }
    let fileEnd = try disk.size(segment.file.file)
    if fileEnd > segment.end {
      let scan = try SegmentScan(
        segment.file, from: segment.end, fileEnd: fileEnd, isGrowing: false)
      guard scan.records.isEmpty else { return false }
    }
    var moves: [Move] = []
    var copies: [RecordPlace] = []
    do throws(DiskError) {
      for entry in segment.entries where !entry.isDead {
        if let scope = entry.scope, !isNeeded(scope, sequence: entry.sequence, without: number) {
          continue
        }
        let from = RecordPlace(
          segment: number, offset: entry.offset, byteCount: entry.byteCount)
        let to = try copy(from, in: segment.file, time: time)
        copies.append(to)
        if entry.kind == .block {
          moves.append(Move(identity: entry.identity, from: from, to: to))
        }
      }
      try sync()
    } catch {
      for copy in copies { markDead(copy) }
      throw error
    }
    apply(moves)
    // Should the file stay, it is still known, and known to be dead.
    for entry in segment.entries {
      markDead(RecordPlace(segment: number, offset: entry.offset, byteCount: entry.byteCount))
    }
    try disk.remove(segment.file.path)
    isFolderSynced = false
    segments[number] = nil
    table[number] = nil
    compactions += 1
    try syncFolder()
    return true
  }

  private func copy(
    _ place: RecordPlace, in file: SegmentFile, time: UInt64
  ) throws(DiskError) -> RecordPlace {
    let bytes = try file.read(place.offset..<place.offset + place.byteCount)
    let seed = SegmentFormat.seed(salt: file.header.salt, offset: place.offset)
    guard bytes.count == place.byteCount, let header = RecordHeader(bytes.rawSpan, seed: seed)
    else {
      throw DiskError(
        .failed, operation: "read", path: file.path,
        reason: "the record at \(place.offset) has changed since the store was opened")
    }
    var record = BlockRecord(header, bytes: bytes)
    // Not while this segment is being emptied: its lock is held for that.
    return try append(&record, time: time)
  }

  /// Whether a tombstone still keeps an older record from coming back.
  private func isNeeded(_ scope: BlockScope, sequence: UInt64, without number: Int) -> Bool {
    if !unreadable.isEmpty { return true }
    return segments.contains { other, segment in
      other != number
        && segment.entries.contains {
          $0.kind == .block && $0.sequence < sequence && scope.covers($0.identity, $0.attributes)
        }
    }
  }
}
