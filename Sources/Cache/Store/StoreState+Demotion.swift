/// Frames on their way down.
extension StoreState {
  /// A frame that is to be encoded into L2. Its slot stays readable meanwhile.
  package struct Demotion {
    package var slot: Int
    package var key: FrameKey
    /// Whether its bytes are those that were put.
    package var isExact: Bool
  }

  /// Whether L1 holds more than its budget less the reserve.
  var wantsDemotion: Bool {
    exactPolicy.usedBytes > exactPolicy.budget && !isDemotionBlocked
  }

  /// Begins the next demotion. Frames that have a copy below are let go on the way, without one.
  package mutating func beginDemotion() -> Demotion? {
    while wantsDemotion {
      if dropCleanVictim() { continue }
      guard let key = exactPolicy.victim(), let frame = frameIndex(key) else { return nil }
      let slot = Int(frames[frame].slot)
      exactPolicy.remove(key, reason: .evicted)
      if slots[slot].isEncoding {
        // Rescued, and already a victim again: whoever still encodes it finishes that.
        slots[slot].phase = .leaving
        continue
      }
      let bytes = Int(Double(frameBytes) / statistics.compressionRatio)
      // What a lossy codec has been through once loses more by being encoded again.
      if frames[frame].isOnDisk,
        !frames[frame].isExact || !packedPolicy.admits(key, weight: bytes, cost: frameCost(frame))
      {
        self[.exact, of: frame].demotions += 1
        letGo(slot, of: frame)
        continue
      }
      slots[slot].phase = .leaving
      slots[slot].isEncoding = true
      return Demotion(slot: slot, key: key, isExact: frames[frame].isExact)
    }
    return nil
  }

  package mutating func finishDemotion(_ demotion: Demotion, _ bytes: PackedFrame) {
    let slot = demotion.slot
    slots[slot].isEncoding = false
    guard slots[slot].frame >= 0 else {
      // Invalidated meanwhile.
      garbage.append(bytes)
      freeIfOrphaned(slot)
      return
    }
    let frame = slots[slot].frame
    let block = frame / framesPerBlock
    let isPacked: Bool
    if frames[frame].packed >= 0 {
      garbage.append(bytes)
      isPacked = true
    } else {
      isPacked = addPacked(bytes, for: frame)
    }
    guard slots[slot].phase == .leaving else { return }
    if isPacked {
      self[.exact, of: frame].demotions += 1
      letGo(slot, of: frame)
    } else if frames[frame].isOnDisk {
      self[.exact, of: frame].demotions += 1
      letGo(slot, of: frame)
    } else if blocks[block].pins > 0 {
      slots[slot].phase = .readable
      exactPolicy.insert(demotion.key, weight: frameBytes, cost: frameCost(frame))
      isDemotionBlocked = true
    } else {
      self[.exact, of: frame][evicted: hasDisk ? .unwritten : .room] += 1
      letGo(slot, of: frame)
    }
  }

  /// Frees a slot that L1's policy has let go, and with it the frame's last copy, perhaps.
  private mutating func letGo(_ slot: Int, of frame: Int) {
    clearSlot(of: frame)
    freeSlot(slot)
    leaveTier(frame)
  }

  /// To be called after a copy of a frame has gone.
  mutating func leaveTier(_ frame: Int) {
    let block = frame / framesPerBlock
    if !frames[frame].isPresent {
      blocks[block].present -= 1
      updateDirty(block)
      removeBlockIfGone(block)
    }
  }

  /// Lets L1's victim go if L2 has a copy of it.
  mutating func dropCleanVictim() -> Bool {
    guard let key = exactPolicy.victim(), let frame = frameIndex(key), frames[frame].packed >= 0,
      !slots[Int(frames[frame].slot)].isEncoding
    else { return false }
    exactPolicy.remove(key, reason: .evicted)
    self[.exact, of: frame].demotions += 1
    letGo(Int(frames[frame].slot), of: frame)
    return true
  }

  // MARK: - L2

  /// Keeps an encoded frame, if need be in place of others.
  ///
  /// - Returns: whether there was room. The frame's presence is the caller's to count.
  mutating func addPacked(_ bytes: PackedFrame, for frame: Int) -> Bool {
    guard bytes.byteCount <= packedBudget else {
      garbage.append(bytes)
      return false
    }
    while packedBytes + bytes.byteCount > packedBudget {
      guard dropPacked() else {
        garbage.append(bytes)
        return false
      }
    }
    let entry = Packed(frame: frame, bytes: bytes, isEvictable: false)
    let place: Int
    if let free = freePacked.popLast() {
      place = free
      packed[place] = entry
    } else {
      place = packed.count
      packed.append(entry)
    }
    packedBytes += bytes.byteCount
    dirtyPackedBytes += bytes.byteCount
    self[.packed, of: frame].frames += 1
    self[.packed, of: frame].bytes += bytes.byteCount
    statistics.encodedRawBytes += frameBytes
    statistics.encodedBytes += bytes.byteCount
    frames[frame].packed = Int32(place)
    updateEvictable(frame)
    return true
  }

  /// Tells L2's policy of a packed frame that may be dropped, or no longer.
  mutating func updateEvictable(_ frame: Int) {
    let place = Int(frames[frame].packed)
    guard place >= 0, let entry = packed[place] else { return }
    let block = frame / framesPerBlock
    let isEvictable =
      frames[frame].isOnDisk
      || blocks[block].pins == 0 && (!hasDisk || blocks[block].isDisposable)
    guard isEvictable != entry.isEvictable else { return }
    packed[place]?.isEvictable = isEvictable
    let key = key(of: frame)
    if isEvictable {
      dirtyPackedBytes -= entry.bytes.byteCount
      packedPolicy.insert(key, weight: entry.bytes.byteCount, cost: frameCost(frame))
    } else {
      dirtyPackedBytes += entry.bytes.byteCount
      packedPolicy.remove(key, reason: .invalidated)
    }
  }

  /// Drops one packed frame: L2's victim, or where everything is dirty the oldest dirty one.
  mutating func dropPacked() -> Bool {
    if let key = packedPolicy.victim(), let frame = frameIndex(key) {
      let reason: EvictionReason? =
        frames[frame].isOnDisk || frames[frame].slot >= 0 ? nil : .room
      if let reason {
        self[.packed, of: frame][evicted: reason] += 1
      } else {
        self[.packed, of: frame].demotions += 1
      }
      removePacked(frame, reason: .evicted)
      leaveTier(frame)
      return true
    }
    guard hasDisk, dirtyPackedBytes > 0 else { return false }
    for identity in dirty.identities {
      guard let block = index[identity], blocks[block].pins == 0 else { continue }
      for frame in frameRange(block) where frames[frame].packed >= 0 && !frames[frame].isOnDisk {
        if frames[frame].slot < 0 { self[.packed, of: frame][evicted: .unwritten] += 1 }
        removePacked(frame, reason: .evicted)
        leaveTier(frame)
        return true
      }
    }
    return false
  }

  mutating func removePacked(_ frame: Int, reason: RemovalReason) {
    let place = Int(frames[frame].packed)
    guard place >= 0, let entry = packed[place] else { return }
    if entry.isEvictable {
      packedPolicy.remove(key(of: frame), reason: reason)
    } else {
      dirtyPackedBytes -= entry.bytes.byteCount
    }
    packedBytes -= entry.bytes.byteCount
    self[.packed, of: frame].frames -= 1
    self[.packed, of: frame].bytes -= entry.bytes.byteCount
    garbage.append(entry.bytes)
    packed[place] = nil
    freePacked.append(place)
    frames[frame].packed = -1
  }
}
