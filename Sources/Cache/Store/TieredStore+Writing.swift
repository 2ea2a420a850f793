/// Blocks on their way to disk. Everything here holds the write gate, and waits for the disk.
extension TieredStore {
  /// Records that are appended before they are synced together.
  private static var batchBytes: Int { 16 << 20 }
  /// How long the background leaves a disk alone that has failed.
  private static var pause: UInt64 { 5_000_000_000 }

  /// Writes every block that was put before, and returns once all of it would survive a loss of power.
  ///
  /// - Throws: when the disk fails or is full. What was flushed before is safe; what was not is still in
  ///   memory, and the next flush tries again.
  package func flush() throws(StoreError) {
    try checkOpen()
    guard folder != nil else { return }
    try withGate { (gate, segments) throws(DiskError) in
      let count = withState { $0.dirty.identities.count + $0.eager.count }
      try write(blocks: count, isEagerOnly: false, to: segments, &gate)
    }
  }

  /// Runs `body` with the segments, alone, and gives its error the caller's words.
  func withGate<R>(
    _ body: (inout WriteGate, SegmentStore) throws(DiskError) -> R
  ) throws(StoreError) -> R {
    do throws(DiskError) {
      return try gate.withLock { (gate) throws(DiskError) in
        guard let segments = gate.segments else {
          throw DiskError(.missing, operation: "use", path: folder ?? "", reason: "it was closed")
        }
        defer { settle(segments) }
        protectionAsked.withLock { $0 = nil }
        return try body(&gate, segments)
      }
    } catch {
      throw storeError(error)
    }
  }

  /// Passes on what the state and the segments have to tell each other.
  private func settle(_ segments: SegmentStore) {
    let dead = withState { state in
      state.statistics.bytesWritten = segments.bytesWritten
      state.statistics.syncs = segments.syncs
      state.statistics.compactions = segments.compactions
      state.statistics.segments = segments.segments.count
      state.statistics.segmentBytes = segments.fileBytes
      defer { state.deadRecords = [] }
      return state.deadRecords
    }
    for place in dead { segments.markDead(place) }
    let deadBytes = segments.deadBytes
    withState { $0.statistics.deadBytes = deadBytes }
    for found in segments.reports { report(found.kind, found.message) }
    segments.reports = []
  }

  /// Writes up to `blocks` dirty blocks, oldest first.
  private func write(
    blocks: Int, isEagerOnly: Bool, to segments: SegmentStore, _ gate: inout WriteGate
  ) throws(DiskError) {
    var left = blocks
    while left > 0 {
      let (written, failure) = writeBatch(
        blocks: left, isEagerOnly: isEagerOnly, to: segments)
      if let failure {
        withState { $0.statistics.diskErrors += 1 }
        throw failure
      }
      if written == 0 { return }
      left -= written
    }
  }

  /// Records that were appended and not synced yet.
  private typealias Batch = [(job: StoreState.WriteJob, place: RecordPlace)]

  /// Appends blocks, syncs once, and only then counts them as on disk.
  ///
  /// - Returns: how many were dealt with, and what went wrong.
  private func writeBatch(
    blocks: Int, isEagerOnly: Bool, to segments: SegmentStore
  ) -> (count: Int, failure: DiskError?) {
    var batch: Batch = []
    var bytes = 0
    var count = 0
    var failure: DiskError?
    while count < blocks, bytes < Self.batchBytes, failure == nil,
      let job = withState({ $0.beginWrite(isEagerOnly: isEagerOnly) })
    {
      count += 1
      do throws(DiskError) {
        bytes += try append(job, to: segments, &batch)
      } catch {
        withState { $0.endWrite(job, failed: true) }
        failure = error
      }
    }
    // Also after a failure: what was appended before it is whole.
    do throws(DiskError) {
      try commit(&batch, in: segments)
    } catch {
      failure = failure ?? error
    }
    settle(segments)
    return (count, failure)
  }

  /// Syncs, and counts as on disk what a batch has appended.
  private func commit(_ batch: inout Batch, in segments: SegmentStore) throws(DiskError) {
    defer {
      // A record that fills its segment has that one synced before its own, so an earlier part of the
      // batch may have failed, or not, apart from the rest.
      let synced = batch.map { segments.isSynced($0.place) }
      withState { state in
        for ((job, place), isSynced) in zip(batch, synced) {
          if isSynced {
            if job.isNew { state.statistics.newBytesWritten += place.byteCount }
            state.finishWrite(job, at: place)
          }
          state.endWrite(job, failed: !isSynced)
        }
      }
      batch = []
    }
    try segments.sync()
  }

  /// Appends a block to a batch.
  ///
  /// - Returns: bytes of its record; 0 when nothing of it could be had.
  private func append(
    _ job: StoreState.WriteJob, to segments: SegmentStore, _ batch: inout Batch
  ) throws(DiskError) -> Int {
    var job = job
    var frames: [PackedFrame?] = []
    frames.reserveCapacity(framesPerBlock)
    for (index, source) in job.frames.enumerated() {
      switch source {
      case nil: frames.append(nil)
      case .packed(let packed)?: frames.append(packed)
      case .slot(let slot)?:
        frames.append(unsafe pack(UnsafeRawBufferPointer(arena[slot]).bytes))
      case .disk(let place)?:
        let key = FrameKey(block: job.identity, frame: UInt16(index))
        do throws(ReadFailure) {
          frames.append(try readPacked(key, at: place))
        } catch {
          switch error {
          case .disk(let error): throw error
          case .moved:
            throw DiskError(
              .failed, operation: "read", path: folder ?? "", reason: "a segment has gone")
          case .damaged(let reason):
            withState { _ = $0.markDamaged(key, at: place) }
            report(
              .damagedFrame,
              self.error(.damaged(reason), reading: key).message)
            job.frames[index] = nil
            frames.append(nil)
          }
        }
      }
    }
    guard frames.contains(where: { $0 != nil }) else {
      withState { $0.endWrite(job, failed: false) }
      return 0
    }
    var record = BlockRecord(
      identity: job.identity, attributes: job.attributes, sequence: job.sequence,
      metadata: job.metadata, frames: frames, frameBytes: frameBytes)
    if !hasRoom(for: record.bytes.count, in: segments) {
      // Compacting asks the state what lives: it has to know of the batch's records by then.
      try commit(&batch, in: segments)
      try makeRoom(for: record.bytes.count, in: segments)
    }
    batch.append((job, try segments.append(&record, time: clock.wall())))
    return record.bytes.count
  }

  private func hasRoom(for bytes: Int, in segments: SegmentStore) -> Bool {
    segments.fileBytes + bytes + SegmentFormat.fileHeaderBytes <= withState { $0.diskBudget }
  }

  /// Evicts and compacts until a record fits the disk's budget.
  func makeRoom(for bytes: Int, in segments: SegmentStore) throws(DiskError) {
    var tried: Set<Int> = []
    while !hasRoom(for: bytes, in: segments) {
      settle(segments)
      // Compacting pays when much is dead; until then more has to go.
      let share = 0.5
      if let worst = segments.worstSegment(atLeast: share, except: tried) {
        tried.insert(worst)
        if try compact(worst, in: segments) { tried.remove(worst) }
        continue
      }
      try askForProtection()
      if withState({ $0.evictFromDisk() }) != nil { continue }
      settle(segments)
      if let worst = segments.worstSegment(atLeast: 0, except: tried) {
        tried.insert(worst)
        if try compact(worst, in: segments) { tried.remove(worst) }
        continue
      }
      throw DiskError(
        .overBudget, operation: "write", path: folder ?? "",
        reason:
          "the disk budget of \(withState { $0.diskBudget } >> 20) MiB is full of what is pinned or in use"
      )
    }
  }

  @discardableResult
  func compact(_ number: Int, in segments: SegmentStore) throws(DiskError) -> Bool {
    settle(segments)
    return try segments.compact(number, time: clock.wall()) { moves in
      withState { state in
        for move in moves { state.moveRecord(of: move.identity, from: move.from, to: move.to) }
      }
    }
  }

  // MARK: - Background

  /// Writes what the background has to write now.
  ///
  /// - Returns: whether there may be more at once.
  func writeInBackground() -> Bool {
    guard withState({ $0.wantsWrite }), !isClosed else { return false }
    let result = gate.withLock { gate -> (more: Bool, delay: UInt64) in
      guard let segments = gate.segments else { return (false, 0) }
      let now = clock.now()
      guard now >= gate.pausedUntil else { return (false, gate.pausedUntil - now) }
      guard let delay = gate.budget.delay(now: now, wall: clock.wall()) else { return (false, 0) }
      if delay > 0 { return (false, delay) }
      let before = segments.bytesWritten
      protectionAsked.withLock { $0 = nil }
      let isEagerOnly = withState { $0.dirtyPackedBytes <= $0.packedBudget / 4 }
      let (count, failure) = writeBatch(blocks: .max, isEagerOnly: isEagerOnly, to: segments)
      settle(segments)
      gate.budget.spend(segments.bytesWritten - before, now: now, wall: clock.wall())
      if let failure {
        gate.pausedUntil = clock.now() + Self.pause
        withState { $0.statistics.diskErrors += 1 }
        report(.writeFailed, storeError(failure).message)
        return (false, Self.pause)
      }
      return (count > 0, 0)
    }
    // In short naps, so that a store that is let go of does not wait for its thread.
    if result.delay > 0, options.hasThreads {
      Worker.sleep(nanoseconds: min(result.delay, 50_000_000))
      return true
    }
    return result.more
  }

  /// Does everything that is to be done in the background, on this thread. Without threads it is how the
  /// store works; with them a way to wait for quiet.
  package func settle() {
    while moveOnce() || writeInBackground() {}
  }

  /// Uses idle time: reads what other processes have written, writes what is dirty, compacts segments of
  /// which a quarter is dead. Begins nothing after `duration`.
  package func idle(for duration: Duration) throws(StoreError) {
    try checkOpen()
    let end = clock.now() + duration.nanoseconds
    metrics.publish(withState { $0.snapshot() })
    while moveOnce() { if clock.now() >= end { return } }
    guard folder != nil else { return }
    try withGate { (gate, segments) throws(DiskError) in
      try refresh(segments)
      while clock.now() < end, withState({ $0.dirty.count > 0 }) {
        let (count, failure) = writeBatch(blocks: 16, isEagerOnly: false, to: segments)
        if let failure { throw failure }
        if count == 0 { break }
      }
      var tried: Set<Int> = []
      while clock.now() < end, let worst = segments.worstSegment(atLeast: 0.25, except: tried) {
        tried.insert(worst)
        try compact(worst, in: segments)
      }
    }
  }

  /// Writes what is dirty and lets go of the folder. Lent frames stay readable; nothing else works
  /// afterwards. What could not be written is thrown, and is gone.
  package func close() throws(StoreError) {
    let wasClosed = closed.withLock { closed in
      defer { closed = true }
      return closed
    }
    if wasClosed { return }
    mover.stop()
    writer.stop()
    mover.join()
    writer.join()
    if let recorder {
      do throws(DiskError) {
        try recorder.finish()
      } catch {
        reportTrace(error)
      }
    }
    guard folder != nil else { return }
    defer {
      gate.withLock { gate in
        gate.segments?.close()
        gate.segments = nil
      }
    }
    try withGate { (gate, segments) throws(DiskError) in
      let count = withState { $0.dirty.identities.count + $0.eager.count }
      try write(blocks: count, isEagerOnly: false, to: segments, &gate)
    }
  }

  // MARK: - Errors

  func storeError(_ error: DiskError) -> StoreError {
    let code: StoreError.Code =
      switch error.kind {
      case .full, .overBudget: .full
      case .noMemory: .memory
      default: .disk
      }
    let advice =
      switch error.kind {
      case .full:
        "nothing that was saved is lost; free space there, or lower the disk budget of "
          + "\(options.diskBytes >> 20) MiB"
      case .overBudget:
        "nothing that was saved is lost; unpin or delete sessions, or raise the disk budget"
      case .noPermission, .readOnly:
        "nothing that was saved is lost; make it writable, or choose another folder"
      default: "nothing that was saved is lost; check the disk and try again"
      }
    // Its own budget is no matter of a file or a system call.
    let reason = error.kind == .overBudget ? error.reason : error.description
    return StoreError(code, "the store in \(folder ?? "memory"): \(reason); \(advice).")
  }
}
