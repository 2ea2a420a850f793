/// Frames on their way up.
extension StoreState {
  /// Where a frame's bytes can be had.
  package enum Source {
    /// A slot, which is held until it is given back.
    case slot(Int)
    case packed(PackedFrame)
    case disk(RecordPlace)
  }

  package struct Promotion {
    package var key: FrameKey
    package var slot: Int
    /// `.packed` or `.disk`.
    package var source: Source
    var deadline: UInt64?
    /// Whether it was asked for ahead of use; false where somebody waits.
    var isPrefetch: Bool
  }

  /// Asks for a frame in L1. One that is there, or on its way, is not asked for twice.
  ///
  /// - Returns: whether there is something to do.
  package mutating func requestPromotion(_ key: FrameKey, deadline: UInt64?) -> Bool {
    statistics.prefetches.requested += 1
    guard let frame = frameIndex(key) else {
      statistics.unknownFrames += 1
      statistics.prefetches.failed += 1
      return false
    }
    if frames[frame].slot >= 0 || frames[frame].isPromoting || frames[frame].isFilling {
      statistics.prefetches.joined += 1
      return false
    }
    guard frames[frame].isPresent else {
      statistics.prefetches.failed += 1
      return false
    }
    frames[frame].isPromoting = true
    frames[frame].wasMissed = false
    promotions.append(PromotionQueue.Request(key: key, deadline: deadline))
    return true
  }

  /// Begins the next promotion that is not too late.
  ///
  /// - Returns: nil when nothing waits, or when no slot can be had before a demotion.
  package mutating func beginPromotion(time: UInt64) -> Promotion? {
    while let request = promotions.first() {
      guard let frame = frameIndex(request.key), frames[frame].isPromoting,
        frames[frame].slot < 0
      else {
        // Invalidated, or somebody else has brought it meanwhile.
        promotions.removeFirst()
        statistics.prefetches.joined += 1
        continue
      }
      if let deadline = request.deadline, time > deadline {
        promotions.removeFirst()
        frames[frame].isPromoting = false
        statistics.prefetches.late += 1
        statistics.prefetches.dropped += 1
        continue
      }
      guard frames[frame].isPresent else {
        promotions.removeFirst()
        frames[frame].isPromoting = false
        statistics.prefetches.failed += 1
        continue
      }
      guard let slot = takeSlot() else {
        if canDemote { return nil }
        promotions.removeFirst()
        frames[frame].isPromoting = false
        statistics.prefetches.withoutRoom += 1
        continue
      }
      promotions.removeFirst()
      return Promotion(
        key: request.key, slot: slot, source: source(of: frame), deadline: request.deadline,
        isPrefetch: true)
    }
    return nil
  }

  /// Whether demoting would free a slot.
  var canDemote: Bool {
    mutating get { wantsDemotion && exactPolicy.victim() != nil }
  }

  /// Begins a promotion that somebody waits for; nil when L1 has it, no tier has it, another thread
  /// is bringing it, or no slot is free.
  package mutating func beginPromotionNow(_ key: FrameKey) -> Promotion? {
    guard let frame = frameIndex(key), frames[frame].slot < 0, frames[frame].isPresent,
      !frames[frame].isFilling, let slot = takeSlot()
    else { return nil }
    frames[frame].isPromoting = true
    return Promotion(
      key: key, slot: slot, source: source(of: frame), deadline: nil,
      isPrefetch: false)
  }

  /// Where the best copy below L1 is, counting hits and misses on the way.
  private mutating func source(of frame: Int) -> Source {
    let block = frame / framesPerBlock
    let memory = memory(of: frame)
    let place = Int(frames[frame].packed)
    packedPolicy.recordAccess(key(of: frame))
    if place >= 0, let entry = packed[place] {
      statistics.tiers[.packed].count(memory, isHit: true)
      self[.packed, of: frame].promotions += 1
      return .packed(entry.bytes)
    }
    statistics.tiers[.packed].count(memory, isHit: false)
    statistics.tiers[.disk].count(memory, isHit: true)
    self[.disk, of: frame].promotions += 1
    recordUse(of: block)
    guard let place = blocks[block].place else {
      preconditionFailure("a frame is in no tier, and yet present")
    }
    return .disk(place)
  }

  /// Makes the frame readable, or frees its slot when reading failed.
  ///
  /// - Parameter isExact: nil when it could not be read.
  package mutating func finishPromotion(_ promotion: Promotion, isExact: Bool?, time: UInt64) {
    guard let frame = frameIndex(promotion.key), frames[frame].slot < 0 else {
      // Invalidated, or somebody else was faster.
      if let frame = frameIndex(promotion.key) { frames[frame].isPromoting = false }
      freeSlot(promotion.slot)
      return
    }
    frames[frame].isPromoting = false
    let isLate = frames[frame].wasMissed
    frames[frame].wasMissed = false
    guard let isExact else {
      if promotion.isPrefetch { statistics.prefetches.failed += 1 }
      freeSlot(promotion.slot)
      return
    }
    if !frames[frame].isPresent {
      // The copy that was read has gone since; this one is as good.
      blocks[frame / framesPerBlock].present += 1
    }
    fillSlot(promotion.slot, with: frame, isExact: isExact)
    updateDirty(frame / framesPerBlock)
    guard promotion.isPrefetch else { return }
    if isLate || promotion.deadline.map({ time > $0 }) == true {
      statistics.prefetches.late += 1
    } else {
      statistics.prefetches.onTime += 1
      frames[frame].isArrival = true
      exactPolicy.pin(promotion.key)
      if let oldest = arrivals.add(frame), endArrival(of: oldest) {
        statistics.prefetches.unused += 1
      }
    }
  }

  /// Leaves a frame that was prefetched to L1's policy.
  ///
  /// - Returns: whether it was waiting to be used.
  @discardableResult
  mutating func endArrival(of frame: Int) -> Bool {
    guard frames[frame].isArrival else { return false }
    frames[frame].isArrival = false
    exactPolicy.unpin(key(of: frame))
    return true
  }

  /// Where to read a frame without bringing it to L1; a slot is held until it is given back.
  mutating func beginRead(_ frame: Int) -> Source? {
    guard frames[frame].isPresent else { return nil }
    let slot = Int(frames[frame].slot)
    exactPolicy.recordAccess(key(of: frame))
    statistics.tiers[.exact].count(memory(of: frame), isHit: slot >= 0)
    guard slot >= 0 else { return source(of: frame) }
    hold(slot)
    return .slot(slot)
  }

  /// Notes that a frame's bytes on disk are not what was written. It may be put again.
  ///
  /// - Returns: whether that is where it is; if not, it has been moved or forgotten since it was read.
  @discardableResult
  package mutating func markDamaged(_ key: FrameKey, at place: RecordPlace) -> Bool {
    guard let frame = frameIndex(key), frames[frame].isOnDisk,
      blocks[frame / framesPerBlock].place == place
    else { return false }
    frames[frame].isOnDisk = false
    statistics.damagedFrames += 1
    self[.disk, of: frame][evicted: .damaged] += 1
    self[.disk, of: frame].frames -= 1
    updateEvictable(frame)
    let block = frame / framesPerBlock
    if frames[frame].isPresent {
      updateDirty(block)
    } else {
      blocks[block].present -= 1
      if blocks[block].present == 0 { dropRecord(of: block, reason: .invalidated) }
      removeBlockIfGone(block)
    }
    return true
  }
}
