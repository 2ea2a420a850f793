/// Immutable blocks of KV frames in three tiers: exact in memory, encoded in memory, on disk.
///
/// A block is put once, whole, and found again by its identity; its frames are lent singly. Equal
/// identities mean equal bytes, so a copy in a higher tier needs no writing back, and any copy will do.
///
/// - What leaves L1 is encoded into L2, what fills L2 is written to a segment, and what leaves the
///   last tier is gone; what is wanted again comes up. Policies choose who leaves.
/// - ``lend(_:)`` and ``giveBack(_:)`` never wait for a disk, encode, or allocate. ``put(_:attributes:metadata:frames:)``
///   copies, and encodes only when L1 is full; it never waits for a disk.
/// - After ``flush()`` has returned, everything put before it survives the process and a loss of power.
/// - A pinned block stays in the store, a lent frame stays in L1.
///
/// Threads may use it at once; the lock inside is held for microseconds. Methods that read or write
/// files say so: they are for threads that may wait. See docs/tiered-store.md.
package final class TieredStore: Sendable {
  package let options: StoreOptions
  package let shape: FrameShape
  package let framesPerBlock: Int
  /// The folder of the segments; nil when the store is in memory only.
  package let folder: String?

  let frameBytes: Int
  package let disk: any Disk
  package let clock: StoreClock
  let arena: SlotArena
  let coders: CoderPool
  let table = SegmentTable()
  let state: StoreLock<StoreState>
  /// Held by whoever changes files, also while they are written. Taken before `state`, never after.
  let gate: StoreLock<WriteGate>
  let reports = StoreLock<[StoreReport]>([])
  let closed = StoreLock(false)
  /// When the write under way has asked what is protected; nil: not yet.
  let protectionAsked = StoreLock<UInt64?>(nil)
  let metrics = StoreMetrics()
  let recorder: TraceRecorder?
  let mover = Worker()
  let writer = Worker()

  /// What writing needs.
  struct WriteGate {
    var segments: SegmentStore?
    var budget: WriteBudget
    /// Nanoseconds of the clock before which the background does not write, after a failure.
    var pausedUntil: UInt64 = 0
  }

  /// Opens a store, and reads the headers of what is in its folder.
  ///
  /// - Parameters:
  ///   - shape: of every frame.
  ///   - framesPerBlock: the model's layers.
  ///   - directory: the store's folder, made if need be; segments are in `segments` below it. nil: nothing
  ///     is kept beyond the process. Blocks of other shapes in it are kept, and not seen.
  package init(
    options: StoreOptions = StoreOptions(), shape: FrameShape, framesPerBlock: Int,
    directory: String?, disk: any Disk = SystemDisk(), clock: StoreClock = .system
  ) throws(StoreError) {
    let frameBytes = shape.byteCount
    guard frameBytes > 0, frameBytes <= SegmentFormat.maximumFrameBytes,
      (1...SegmentFormat.maximumFrames).contains(framesPerBlock)
    else {
      throw StoreError(
        .options,
        "a store cannot keep blocks of \(framesPerBlock) frames of \(frameBytes) bytes; a block has 1 to "
          + "\(SegmentFormat.maximumFrames) frames of at most "
          + "\(SegmentFormat.maximumFrameBytes >> 20) MiB.")
    }
    try options.validate(blockBytes: framesPerBlock * SlotArena.stride(frameBytes: frameBytes))
    self.options = options
    self.shape = shape
    self.framesPerBlock = framesPerBlock
    self.frameBytes = frameBytes
    self.disk = disk
    self.clock = clock
    folder = directory.map { $0 + "/segments" }
    recorder =
      if let path = options.recordTrace {
        try TraceRecorder(path: path, frameBytes: frameBytes, disk: disk)
      } else {
        nil
      }
    let slotCount = options.exactBytes / SlotArena.stride(frameBytes: frameBytes)
    do throws(DiskError) {
      arena = try SlotArena(slotCount: slotCount, frameBytes: frameBytes, disk: disk)
    } catch {
      throw StoreError(
        .memory,
        "the system refused \(options.exactBytes >> 20) MiB for the exact tier (\(error.reason)); "
          + "lower its budget.")
    }
    do throws(CodecError) {
      coders = try CoderPool(shape: shape)
    } catch {
      throw StoreError(.options, "the store's frames cannot be encoded: \(error.description)")
    }
    state = StoreLock(
      StoreState(
        options: options, slotCount: slotCount, frameBytes: frameBytes,
        framesPerBlock: framesPerBlock, hasDisk: directory != nil))
    gate = StoreLock(
      WriteGate(
        budget: WriteBudget(
          bytesPerSecond: options.writeBytesPerSecond, bytesPerDay: options.writeBytesPerDay)))
    if let folder { try open(folder) }
    if options.hasThreads { try startThreads() }
  }

  deinit {
    mover.stop()
    writer.stop()
    gate.withLock { $0.segments?.close() }
  }

  private func startThreads() throws(StoreError) {
    let isStarted =
      mover.start { [weak self] in self?.moveOnce() ?? false }
      && (folder == nil || writer.start { [weak self] in self?.writeInBackground() ?? false })
    guard isStarted else {
      mover.stop()
      throw StoreError(
        .memory, "the system refused a thread for the store; there are too many, or no memory.")
    }
  }

  /// Runs `body` with the state, and frees what it let go of after unlocking.
  func withState<R>(_ body: (inout StoreState) -> R) -> R {
    var garbage: [PackedFrame] = []
    let result = state.withLock { state in
      let result = body(&state)
      if !state.garbage.isEmpty { swap(&garbage, &state.garbage) }
      return result
    }
    return result
  }

  var isClosed: Bool { closed.withLock { $0 } }

  func checkOpen() throws(StoreError) {
    if isClosed { throw StoreError(.closed, "the store was closed; open it again.") }
  }

  func report(_ kind: StoreReport.Kind, _ message: String) {
    reports.withLock { reports in
      // A disk that fails for hours says so once until somebody looks.
      let report = StoreReport(kind, message)
      if reports.count < 1024, !reports.contains(report) { reports.append(report) }
    }
  }

  /// What went wrong since the last call, apart from errors that were thrown.
  package func takeReports() -> [StoreReport] {
    reports.withLock { reports in
      defer { reports = [] }
      return reports
    }
  }

  // MARK: - Use

  /// Lends a frame that is in L1; nil, counted as a miss, when it is not. Never waits, never allocates.
  package func lend(_ key: FrameKey) -> LentFrame? {
    record(key)
    return lend(key, isRetry: false)
  }

  func lend(_ key: FrameKey, isRetry: Bool) -> LentFrame? {
    guard let (slot, isExact) = withState({ $0.lend(key, isRetry: isRetry) }) else { return nil }
    return unsafe LentFrame(
      key: key, slot: slot, isExact: isExact, buffer: UnsafeRawBufferPointer(arena[slot]))
  }

  /// Gives a lent frame back: it may leave L1 again.
  package func giveBack(_ frame: LentFrame) {
    let wantsWork = withState { state in
      state.giveBack(frame.slot)
      return state.wantsDemotion
    }
    if wantsWork { mover.wake() }
  }

  /// How a put has ended.
  package enum PutResult: Sendable, Equatable {
    case stored
    /// Every frame was there, or is being put by another thread; it counts as use.
    case present
    /// The budgets had no room for so many of its frames: they are gone. Everything else is pinned,
    /// lent, or waits for a disk that is too slow.
    case declined(frames: Int)
  }

  /// Keeps a block. Frames that the store has already are left as they are.
  ///
  /// Never waits for a disk. It copies into L1, and where L1 has no room encodes into L2.
  ///
  /// - Parameters:
  ///   - metadata: opaque bytes, at most `options.metadataBytes`.
  ///   - frames: `framesPerBlock` frames of `shape.byteCount` bytes, one after another.
  @discardableResult
  package func put(
    _ identity: BlockIdentity, attributes: BlockAttributes, metadata: [UInt8], frames: RawSpan
  ) throws(StoreError) -> PutResult {
    precondition(
      frames.byteCount == framesPerBlock * frameBytes,
      "\(frames.byteCount) bytes for \(framesPerBlock) frames of \(frameBytes)")
    try checkOpen()
    guard metadata.count <= options.metadataBytes else {
      throw StoreError(
        .options,
        "block \(identity) has \(metadata.count) bytes of metadata; at most \(options.metadataBytes) "
          + "are kept.")
    }
    let time = clock.wall()
    let plan = withState {
      $0.beginPut(identity, attributes: attributes, metadata: metadata, time: time)
    }
    if recorder != nil {
      for frame in 0..<framesPerBlock {
        record(FrameKey(block: identity, frame: UInt16(frame)))
      }
    }
    switch plan {
    case .present: return .present
    case .foreign:
      throw StoreError(
        .options,
        "block \(identity) is on disk in another shape; identities have to differ where shapes do.")
    case .fill(let ticket):
      var packed: [PackedFrame] = []
      for (frame, slot) in ticket.frames {
        let bytes = frames.extracting(frame * frameBytes..<(frame + 1) * frameBytes)
        if let slot {
          unsafe bytes.withUnsafeBytes { unsafe arena[slot].copyMemory(from: $0) }
        } else {
          packed.append(pack(bytes))
        }
      }
      let (declined, wantsMove, wantsWrite) = withState { state in
        let declined = state.finishPut(ticket, packed: packed)
        return (declined, state.wantsDemotion, state.wantsWrite)
      }
      if wantsMove { mover.wake() }
      if wantsWrite { writer.wake() }
      return declined == 0 ? .stored : .declined(frames: declined)
    }
  }

  // MARK: - What is there

  /// Whether every frame of a block is in some tier.
  package func contains(_ identity: BlockIdentity) -> Bool {
    withState { $0.worstTier(of: identity) != nil }
  }

  /// The best tier that a frame is in.
  package func tier(of key: FrameKey) -> Tier? { withState { $0.bestTier(of: key) } }

  /// The tier of the frame that is furthest down; nil unless the block is whole.
  package func tier(of identity: BlockIdentity) -> Tier? {
    withState { $0.worstTier(of: identity) }
  }

  package func block(_ identity: BlockIdentity) -> StoredBlock? {
    withState { $0.storedBlock(identity) }
  }

  package func metadata(of identity: BlockIdentity) -> [UInt8]? { block(identity)?.metadata }

  /// Calls `body` with every block of this store's shape that `matches`, oldest first. Both are called
  /// without the lock, on a picture of the moment.
  package func forEachBlock(
    where matches: (StoredBlock) -> Bool = { _ in true }, _ body: (StoredBlock) -> Void
  ) {
    for block in withState({ $0.allBlocks() }).sorted(by: { $0.sequence < $1.sequence })
    where matches(block) {
      body(block)
    }
  }

  /// Keeps a block from leaving the store until it is unpinned as often. Pins are not kept on disk.
  ///
  /// - Returns: whether the store has it.
  @discardableResult
  package func pin(_ identity: BlockIdentity) -> Bool { withState { $0.pin(identity) } }

  package func unpin(_ identity: BlockIdentity) { withState { $0.unpin(identity) } }

  /// Gives the memory tiers a share of their budgets, 0...1, as a governor decides it. What has a copy
  /// further down leaves at once; the rest as fast as it can be encoded and written.
  package func adapt(toShare share: Double) {
    withState { $0.adapt(toShare: min(1, max(0, share))) }
    mover.wake()
    writer.wake()
  }

  /// What the store has done and holds.
  package func statistics() -> StoreStatistics {
    let statistics = withState { $0.snapshot() }
    metrics.publish(statistics)
    return statistics
  }

  /// What the state's invariants say is wrong; empty but for a defect. For tests.
  package func violations() -> [String] { withState { $0.violations() } }
}
