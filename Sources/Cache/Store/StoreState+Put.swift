/// Putting a block: places are taken, the caller copies, the frames become readable.
extension StoreState {
  /// What a put has to do.
  package enum PutPlan {
    /// Everything is there already.
    case present
    /// The identity is that of a block of another shape.
    case foreign
    case fill(PutTicket)
  }

  package struct PutTicket {
    package var identity: BlockIdentity
    /// The frames that are wanted, and the slot for each; nil: there is none, encode it.
    package var frames: [(frame: Int, slot: Int?)]
  }

  /// Begins a put. A frame that is in any tier, or being put, is not wanted again.
  package mutating func beginPut(
    _ identity: BlockIdentity, attributes: BlockAttributes, metadata: [UInt8], time: UInt64
  ) -> PutPlan {
    statistics.puts += 1
    let block: Int
    if let known = index[identity] {
      block = known
      guard !blocks[block].isForeign else { return .foreign }
      blocks[block].hits += 1
      recordUse(of: block)
      for frame in frameRange(block) where frames[frame].slot >= 0 {
        exactPolicy.recordAccess(key(of: frame))
      }
      let isWhole = frameRange(block).allSatisfy { frames[$0].isPresent || frames[$0].isFilling }
      if isWhole {
        statistics.repeatedPuts += 1
        return .present
      }
      setDisposable(block, false)
      // Its next record counts more than the one it may have.
      blocks[block].sequence = nextSequence(time)
    } else {
      block = addBlock(
        Block(
          identity: identity, attributes: attributes, metadata: metadata,
          sequence: nextSequence(time)))
    }
    var ticket = PutTicket(identity: identity, frames: [])
    ticket.frames.reserveCapacity(framesPerBlock)
    for frame in frameRange(block) where !frames[frame].isPresent && !frames[frame].isFilling {
      frames[frame].isFilling = true
      blocks[block].filling += 1
      ticket.frames.append((frame - block * framesPerBlock, takeSlot()))
    }
    return .fill(ticket)
  }

  /// Makes the frames of a put readable.
  ///
  /// - Parameter packed: the encoded frames of those without a slot, in the ticket's order.
  /// - Returns: how many frames there was no room for.
  package mutating func finishPut(_ ticket: PutTicket, packed: [PackedFrame]) -> Int {
    var packed = packed.makeIterator()
    var declined = 0
    let block = index[ticket.identity]
    for (offset, slot) in ticket.frames {
      // Invalidated meanwhile, perhaps put again since: then the frame is wanted by that put.
      let frame = block.map { $0 * framesPerBlock + offset }
      guard let block, let frame, frames[frame].isFilling else {
        if let slot { freeSlot(slot) } else if let bytes = packed.next() { garbage.append(bytes) }
        continue
      }
      frames[frame].isFilling = false
      let wasPresent = frames[frame].isPresent
      if let slot {
        if frames[frame].slot < 0 {
          exactPolicy.recordAccess(key(of: frame))
          fillSlot(slot, with: frame, isExact: true)
        } else {
          freeSlot(slot)
        }
      } else if let bytes = packed.next() {
        if frames[frame].packed >= 0 {
          garbage.append(bytes)
        } else if !addPacked(bytes, for: frame), !wasPresent {
          declined += 1
        }
      }
      if !wasPresent, frames[frame].isPresent { blocks[block].present += 1 }
      // Only now: making room may have taken the block's other frames, and it is still wanted.
      blocks[block].filling -= 1
    }
    statistics.declinedFrames += declined
    if let block {
      updateDirty(block)
      removeBlockIfGone(block)
    }
    return declined
  }

  /// Lets the policies below L1 know that a block is used.
  mutating func recordUse(of block: Int) {
    if blocks[block].place != nil { diskPolicy.recordAccess(blocks[block].identity) }
  }

  // MARK: - Slots

  /// A free slot to fill, if need be of a frame that has a copy below.
  mutating func takeSlot() -> Int? {
    if freeSlots.isEmpty { _ = dropCleanVictim() }
    guard let slot = freeSlots.popLast() else { return nil }
    slots[slot].phase = .filling
    slots[slot].frame = -1
    slots[slot].isTouched = true
    return slot
  }

  mutating func fillSlot(_ slot: Int, with frame: Int, isExact: Bool) {
    slots[slot].phase = .readable
    slots[slot].frame = frame
    frames[frame].slot = Int32(slot)
    self[.exact, of: frame].frames += 1
    self[.exact, of: frame].bytes += frameBytes
    frames[frame].isExact = isExact
    exactPolicy.insert(
      key(of: frame), weight: frameBytes, cost: frameCost(frame))
  }

  /// Notes that a frame is in its slot no longer.
  mutating func clearSlot(of frame: Int) {
    frames[frame].slot = -1
    self[.exact, of: frame].frames -= 1
    self[.exact, of: frame].bytes -= frameBytes
  }

  mutating func freeSlot(_ slot: Int) {
    slots[slot].phase = .free
    slots[slot].frame = -1
    freeSlots.append(slot)
    balanceSlots()
  }

  /// Frees a slot whose block was invalidated, once nobody reads it.
  mutating func freeIfOrphaned(_ slot: Int) {
    guard slots[slot].frame < 0, slots[slot].lends == 0, !slots[slot].isEncoding else { return }
    freeSlot(slot)
  }

  func frameCost(_ frame: Int) -> Double {
    blocks[frame / framesPerBlock].attributes.cost / Double(framesPerBlock)
  }

  // MARK: - Lending

  /// Lends the slot that holds a frame, until it is given back. A miss is counted and changes nothing.
  ///
  /// - Parameter isRetry: whether the same lookup was counted before.
  package mutating func lend(
    _ key: FrameKey, isRetry: Bool = false
  ) -> (slot: Int, isExact: Bool)? {
    if isRetry {
      guard let frame = frameIndex(key), frames[frame].slot >= 0 else { return nil }
      hold(Int(frames[frame].slot))
      return (Int(frames[frame].slot), frames[frame].isExact)
    }
    exactPolicy.recordAccess(key)
    guard let frame = frameIndex(key) else {
      statistics.unknownFrames += 1
      statistics.tiers[.exact].count(nil, isHit: false)
      return nil
    }
    let block = frame / framesPerBlock
    let slot = Int(frames[frame].slot)
    statistics.tiers[.exact].count(memory(of: frame), isHit: slot >= 0)
    guard slot >= 0 else {
      if frames[frame].isPromoting { frames[frame].wasMissed = true }
      return nil
    }
    hold(slot)
    blocks[block].hits += 1
    if case .writeThroughSelective(let hits) = writePolicy, blocks[block].isDirty,
      blocks[block].hits == hits
    {
      eager.append(key.block)
    }
    return (slot, frames[frame].isExact)
  }

  /// Keeps a readable slot where it is until it is given back.
  mutating func hold(_ slot: Int) {
    let key = key(of: slots[slot].frame)
    if slots[slot].phase == .leaving {
      // Whoever encodes it will find it wanted again.
      slots[slot].phase = .readable
      exactPolicy.insert(key, weight: frameBytes, cost: frameCost(slots[slot].frame))
    }
    slots[slot].lends += 1
    statistics.lentFrames += 1
    exactPolicy.pin(key)
    endArrival(of: slots[slot].frame)
  }

  package mutating func giveBack(_ slot: Int) {
    precondition(slots[slot].lends > 0, "slot \(slot) is given back more often than it was lent")
    slots[slot].lends -= 1
    statistics.lentFrames -= 1
    if slots[slot].frame >= 0 {
      exactPolicy.unpin(key(of: slots[slot].frame))
    } else {
      freeIfOrphaned(slot)
    }
  }
}
