/// Frames on their way up, and blocks on their way out.
extension TieredStore {
  /// Asks for a frame in L1, soon. Returns at once; a thread of the store brings it. One that is there,
  /// or on its way, is not brought twice, and asking for it allocates nothing.
  ///
  /// - Parameter delay: how long it is of use. What is not begun by then is dropped, and what comes
  ///   later is counted as late; nil: whenever.
  package func prefetch(_ key: FrameKey, within delay: Duration? = nil) {
    let deadline = delay.map { clock.now() + $0.nanoseconds }
    if withState({ $0.requestPromotion(key, deadline: deadline) }) { mover.wake() }
  }

  /// The same for several frames.
  package func prefetch(_ keys: [FrameKey], within delay: Duration? = nil) {
    let deadline = delay.map { clock.now() + $0.nanoseconds }
    let wantsWork = withState { state in
      var wantsWork = false
      for key in keys where state.requestPromotion(key, deadline: deadline) { wantsWork = true }
      return wantsWork
    }
    if wantsWork { mover.wake() }
  }

  /// Lends a frame, and brings it to L1 first if need be. Reads files: for threads that may wait.
  ///
  /// - Throws: `.missing` when no tier has it, `.damaged` when its bytes on disk are not what was
  ///   written, `.disk` when they cannot be read now, `.busy` when every slot is lent.
  package func fetch(_ key: FrameKey) throws(StoreError) -> LentFrame {
    try checkOpen()
    record(key)
    // Compaction, eviction and other threads may each come between a few times.
    for attempt in 0..<64 {
      if let frame = lend(key, isRetry: attempt > 0) { return frame }
      guard tier(of: key) != nil else { throw missing(key) }
      if let promotion = withState({ $0.beginPromotionNow(key) }) {
        if let failure = perform(promotion) { throw error(failure, reading: key) }
      } else if let demotion = withState({ $0.beginDemotion() }) {
        perform(demotion)
      }
    }
    throw StoreError(
      .busy,
      "frame \(key.frame) of block \(key.block) finds no room in the exact tier: every slot is lent; "
        + "give frames back, or raise the tier's budget.")
  }

  /// Copies a whole block, wherever its frames are, without bringing them to L1. Reads files: for
  /// threads that may wait.
  ///
  /// - Parameter target: `framesPerBlock` frames of `shape.byteCount` bytes.
  /// - Returns: whether all of it are the bits that were put; false where a lossy codec was between.
  /// - Throws: as ``fetch(_:)``; what `target` then holds is unspecified.
  @discardableResult
  package func copyBlock(
    _ identity: BlockIdentity, into target: inout MutableRawSpan
  ) throws(StoreError) -> Bool {
    precondition(
      target.byteCount == framesPerBlock * frameBytes,
      "\(target.byteCount) bytes for \(framesPerBlock) frames of \(frameBytes)")
    try checkOpen()
    var isExact = true
    try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
      for frame in 0..<framesPerBlock {
        let part = unsafe UnsafeMutableRawBufferPointer(
          rebasing: buffer[frame * frameBytes..<(frame + 1) * frameBytes])
        let key = FrameKey(block: identity, frame: UInt16(frame))
        if unsafe try !copy(key, into: part) { isExact = false }
      }
    }
    return isExact
  }

  /// - Returns: whether these are the bits that were put.
  func copy(
    _ key: FrameKey, into target: UnsafeMutableRawBufferPointer
  ) throws(StoreError) -> Bool {
    record(key)
    for _ in 0..<64 {
      let source = withState { state in
        state.frameIndex(key).flatMap { frame in
          state.beginRead(frame).map { ($0, state.frames[frame].isExact) }
        }
      }
      guard let (source, isExact) = source else { throw missing(key) }
      if case .slot(let slot) = source {
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(arena[slot]))
        withState { $0.giveBack(slot) }
        return isExact
      }
      switch unsafe load(key, from: source, into: target) {
      case .success(let isExact): return isExact
      case .failure(.moved): continue
      case .failure(let failure): throw error(failure, reading: key)
      }
    }
    throw StoreError(
      .busy, "frame \(key.frame) of block \(key.block) keeps moving on disk; try again.")
  }

  // MARK: - Moving

  /// Does one piece of the work between the tiers in memory.
  ///
  /// - Returns: whether there was any.
  func moveOnce() -> Bool {
    enum Work {
      case promote(StoreState.Promotion)
      case demote(StoreState.Demotion)
      case retire(Int)
    }
    let time = clock.now()
    let work: Work? = withState { state in
      if let promotion = state.beginPromotion(time: time) { return .promote(promotion) }
      if let demotion = state.beginDemotion() { return .demote(demotion) }
      return state.beginRetiring().map { .retire($0) }
    }
    switch work {
    case .promote(let promotion):
      if let failure = perform(promotion) { note(failure, reading: promotion.key) }
    case .demote(let demotion): perform(demotion)
    case .retire(let slot):
      arena.decommit(slot)
      withState { $0.finishRetiring(slot) }
    case nil: return false
    }
    return true
  }

  /// - Returns: why it failed, if it did for a reason worth telling.
  private func perform(_ promotion: StoreState.Promotion) -> ReadFailure? {
    let result = unsafe load(promotion.key, from: promotion.source, into: arena[promotion.slot])
    let time = clock.now()
    switch result {
    case .success(let isExact):
      withState { $0.finishPromotion(promotion, isExact: isExact, time: time) }
      return nil
    case .failure(let failure):
      withState { $0.finishPromotion(promotion, isExact: nil, time: time) }
      if case .moved = failure {
        // Where it is now is known by now.
        withState { _ = $0.requestPromotion(promotion.key, deadline: promotion.deadline) }
        return nil
      }
      return failure
    }
  }

  private func perform(_ demotion: StoreState.Demotion) {
    let packed = unsafe pack(UnsafeRawBufferPointer(arena[demotion.slot]).bytes)
    let wantsWrite = withState { state in
      state.finishDemotion(demotion, packed)
      return state.wantsWrite
    }
    if wantsWrite { writer.wake() }
  }

  /// Decodes a frame from L2 or L3.
  private func load(
    _ key: FrameKey, from source: StoreState.Source, into target: UnsafeMutableRawBufferPointer
  ) -> Result<Bool, ReadFailure> {
    switch source {
    case .slot: preconditionFailure("a slot needs no decoding")
    case .packed(let packed):
      do throws(CodecError) {
        unsafe try decode(packed.bytes.rawSpan, as: packed.codec, into: target)
        return .success(packed.codec.isLossless)
      } catch {
        return .failure(.damaged("its encoded form in memory cannot be read: \(error.description)"))
      }
    case .disk(let place):
      do throws(ReadFailure) {
        return .success(unsafe try read(key, at: place, into: target))
      } catch {
        if case .damaged = error {
          guard withState({ $0.markDamaged(key, at: place) }) else { return .failure(.moved) }
        } else if case .disk = error {
          withState { $0.statistics.diskErrors += 1 }
        }
        return .failure(error)
      }
    }
  }

  // MARK: - Errors

  private func missing(_ key: FrameKey) -> StoreError {
    StoreError(
      .missing,
      "frame \(key.frame) of block \(key.block) is in no tier; it has to be computed again.")
  }

  /// The error for whoever waited.
  func error(_ failure: ReadFailure, reading key: FrameKey) -> StoreError {
    switch failure {
    case .moved:
      StoreError(.busy, "frame \(key.frame) of block \(key.block) keeps moving on disk; try again.")
    case .damaged(let reason):
      StoreError(
        .damaged,
        "\(folder ?? "memory"): frame \(key.frame) of block \(key.block) is damaged (\(reason)); it has "
          + "to be computed again.")
    case .disk(let error):
      StoreError(
        error.kind == .noMemory ? .memory : .disk,
        "frame \(key.frame) of block \(key.block) cannot be read (\(error)); it is kept, try again."
      )
    }
  }

  /// The report when nobody waited.
  private func note(_ failure: ReadFailure, reading key: FrameKey) {
    let message = error(failure, reading: key).message
    switch failure {
    case .moved: break
    case .damaged: report(.damagedFrame, message)
    case .disk: report(.readFailed, message)
    }
  }
}
