import Cache
import TestSupport
import Testing

@Suite("Store state")
struct StoreStateTests {
  @Test(
    "After any sequence of events accounting equals a recount, and identities never cross",
    arguments: PolicyKind.allCases, [true, false])
  func randomEvents(policy: PolicyKind, hasDisk: Bool) {
    for seed in 0..<40 as Range<UInt64> {
      var world = World(policy: policy, hasDisk: hasDisk, seed: seed)
      for step in 0..<600 {
        world.step()
        let violations = world.state.violations() + world.errors
        if !violations.isEmpty {
          Issue.record("seed \(seed), step \(step), \(world.last): \(violations)")
          return
        }
      }
      world.finish()
      let violations = world.state.violations() + world.errors
      if !violations.isEmpty {
        Issue.record("seed \(seed), at the end: \(violations)")
        return
      }
    }
  }

  @Test("A record that lacks a frame does not replace one that has it")
  func poorerRecord() throws {
    var options = StoreOptions()
    options.packedBytes = 150
    var state = StoreState(
      options: options, slotCount: 0, frameBytes: 64, framesPerBlock: 3, hasDisk: true)
    func put(_ low: UInt64, encodedBytes: Int) {
      let identity = BlockIdentity(high: 7, low: low)
      let attributes = BlockAttributes(model: 1, namespace: 1, session: 1, cost: 5)
      guard
        case .fill(let ticket) = state.beginPut(
          identity, attributes: attributes, metadata: [], time: 1)
      else { return }
      let frame = PackedFrame(
        codec: .exact, bytes: Array(repeating: 1, count: encodedBytes), rawChecksum: 0)
      #expect(state.finishPut(ticket, packed: [frame, frame, frame]) == 0)
    }
    // Forgotten and put again, it is in the queue of what is to be written twice.
    put(1, encodedBytes: 50)
    _ = state.invalidate { _, _ in true }
    put(1, encodedBytes: 50)
    let first = state.beginWrite()
    // Another block pushes one of its frames out before the second time.
    put(2, encodedBytes: 16)
    let second = state.beginWrite()
    let (whole, poorer) = (try #require(first), try #require(second))
    #expect(poorer.identity == whole.identity)
    #expect(whole.frames.count { $0 == nil } == 0 && poorer.frames.count { $0 == nil } == 1)
    let places = [0, 400].map { RecordPlace(segment: 1, offset: $0, byteCount: 400) }
    for (job, place) in zip([whole, poorer], places) {
      state.finishWrite(job, at: place)
      state.endWrite(job, failed: false)
    }
    for frame in 0..<3 as Range<UInt16> {
      #expect(state.recordPlace(of: FrameKey(block: whole.identity, frame: frame)) == places[0])
    }
    #expect(state.deadRecords == [places[1]])
    #expect(state.violations() == [])
    // The next process finds both, in whatever order.
    for order in [[0, 1], [1, 0]] {
      var next = StoreState(
        options: options, slotCount: 0, frameBytes: 64, framesPerBlock: 3, hasDisk: true)
      for index in order {
        next.addFound(
          StoreState.FoundBlock(
            identity: whole.identity,
            attributes: BlockAttributes(model: 1, namespace: 1, session: 1, cost: 5), metadata: [],
            sequence: 9, place: places[index], frames: [true, true, index == 0]))
      }
      #expect(next.recordPlace(of: FrameKey(block: whole.identity, frame: 2)) == places[0])
      #expect(next.deadRecords == [places[1]])
      #expect(next.violations() == [])
    }
  }

  /// The threads and disks of a store, each of whose operations takes a while, in one value.
  struct World {
    static let frameBytes = 64
    static let framesPerBlock = 3

    var state: StoreState
    let budget: (exact: Int, packed: Int)
    var random: SeededGenerator
    var errors: [String] = []
    var last = ""

    /// What the slots hold.
    var slots: [FrameKey?]
    /// What records hold.
    var records: [RecordPlace: [FrameKey]] = [:]
    var nextOffset = 0

    var puts: [StoreState.PutTicket] = []
    var demotions: [StoreState.Demotion] = []
    var promotions: [StoreState.Promotion] = []
    var writes: [StoreState.WriteJob] = []
    var retiring: [Int] = []
    var lent: [(slot: Int, key: FrameKey)] = []
    var pins: [BlockIdentity: Int] = [:]
    var protected: Set<BlockIdentity> = []
    var protectsSession = false
    var time: UInt64 = 1000

    init(policy: PolicyKind, hasDisk: Bool, seed: UInt64) {
      random = SeededGenerator(seed: seed)
      var options = StoreOptions()
      options.exactPolicy = policy
      options.packedPolicy = policy
      options.diskPolicy = policy
      options.packedBytes = 500
      options.diskBytes = 2000
      options.reserve = 2
      if seed % 3 == 0 { options.writePolicy = .writeThroughSelective(afterHits: 2) }
      budget = (18, 500)
      state = StoreState(
        options: options, slotCount: 18, frameBytes: Self.frameBytes,
        framesPerBlock: Self.framesPerBlock, hasDisk: hasDisk)
      slots = Array(repeating: nil, count: 18)
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    mutating func identity() -> BlockIdentity {
      BlockIdentity(high: 7, low: UInt64(below(14)))
    }
    mutating func key() -> FrameKey {
      FrameKey(block: identity(), frame: UInt16(below(Self.framesPerBlock)))
    }

    mutating func expect(_ isTrue: Bool, _ message: String) {
      if !isTrue { errors.append(message) }
    }

    /// An encoded frame that says whose it is.
    mutating func encoded(_ key: FrameKey) -> PackedFrame {
      let length = 12 + below(60)
      return PackedFrame(
        codec: .exact,
        bytes: [UInt8(key.block.low), UInt8(key.frame)] + Array(repeating: 0, count: length),
        rawChecksum: 0)
    }

    mutating func check(_ packed: PackedFrame, _ key: FrameKey) {
      expect(
        packed.bytes[0] == UInt8(key.block.low) && packed.bytes[1] == UInt8(key.frame),
        "an encoded frame is another's")
    }

    mutating func step() {
      time += 1
      let action = below(25)
      last = "action \(action)"
      switch action {
      case 0, 1, 2: beginPut()
      case 3, 4: finishPut()
      case 5, 6, 7: lend()
      case 8, 9: giveBack()
      case 10, 11:
        let deadline = below(2) == 0 ? nil : time + UInt64(below(20))
        _ = state.requestPromotion(key(), deadline: deadline)
      case 12, 13: beginPromotion()
      case 14: finishPromotion()
      case 15, 16: if let demotion = state.beginDemotion() { demotions.append(demotion) }
      case 17: finishDemotion()
      case 18: if let job = state.beginWrite() { writes.append(job) }
      case 19: finishWrite()
      case 20: if below(4) == 0 { invalidate() }
      case 21: pin()
      case 22: if below(6) == 0 { state.adapt(toShare: Double(below(5)) / 4) } else { retire() }
      case 23: if below(3) == 0 { protect() }
      default: if state.snapshot().tiers[.disk].bytes > 1500 { evict() }
      }
      // A lowered budget is kept to as soon as there is somewhere to go.
      state.garbage = []
      state.deadRecords = []
      let statistics = state.snapshot()
      expect(
        statistics.tiers[.exact].bytes <= budget.exact * Self.frameBytes, "L1 is over its budget")
      expect(statistics.tiers[.packed].bytes <= budget.packed, "L2 is over its budget")
      for low in 0..<14 as Range<UInt64> {
        for frame in 0..<Self.framesPerBlock {
          let key = FrameKey(
            block: BlockIdentity(high: 7, low: low), frame: UInt16(frame))
          guard let place = state.recordPlace(of: key) else { continue }
          expect(records[place]?.contains(key) == true, "\(key) is not in its record")
        }
      }
      for (slot, key) in lent { expect(slots[slot] == key, "a lent frame was overwritten") }
      for (identity, count) in pins where count > 0 {
        expect(state.storedBlock(identity)?.isPinned == true, "a pinned block has left")
      }
    }

    mutating func protect() {
      var protection = BlockProtection(sessions: below(3) == 0 ? [1] : [])
      for _ in 0..<below(6) { protection.blocks.insert(identity()) }
      state.protect(protection)
      protectsSession = !protection.sessions.isEmpty
      protected = protection.blocks
    }

    mutating func evict() {
      func onDisk() -> Set<BlockIdentity> {
        Set(
          (0..<14 as Range<UInt64>).map { BlockIdentity(high: 7, low: $0) }.filter { block in
            (0..<UInt16(Self.framesPerBlock)).contains {
              state.recordPlace(of: FrameKey(block: block, frame: $0)) != nil
            }
          })
      }
      let before = onDisk()
      let bytes = state.evictFromDisk()
      let gone = before.subtracting(onDisk())
      if bytes == nil { expect(gone.isEmpty, "blocks left the disk unasked") }
      expect(
        !protectsSession || gone.allSatisfy { $0.low % 4 != 1 },
        "a protected session's block has left the disk")
      expect(gone.isDisjoint(with: protected), "a protected block has left the disk")
    }

    mutating func beginPut() {
      let identity = identity()
      let plan = state.beginPut(
        identity,
        attributes: BlockAttributes(
          model: 1, namespace: identity.low % 3, session: identity.low % 4, cost: 5),
        metadata: [UInt8(identity.low)], time: time)
      guard case .fill(let ticket) = plan else { return }
      puts.append(ticket)
    }

    mutating func finishPut() {
      guard !puts.isEmpty else { return }
      let ticket = puts.remove(at: below(puts.count))
      var packed: [PackedFrame] = []
      for (frame, slot) in ticket.frames {
        let key = FrameKey(block: ticket.identity, frame: UInt16(frame))
        if let slot { slots[slot] = key } else { packed.append(encoded(key)) }
      }
      _ = state.finishPut(ticket, packed: packed)
    }

    mutating func lend() {
      let key = key()
      guard let (slot, _) = state.lend(key) else { return }
      expect(slots[slot] == key, "lent slot \(slot) holds another frame")
      lent.append((slot, key))
    }

    mutating func giveBack() {
      guard !lent.isEmpty else { return }
      let (slot, _) = lent.remove(at: below(lent.count))
      state.giveBack(slot)
    }

    mutating func beginPromotion() {
      let promotion =
        below(3) == 0 ? state.beginPromotionNow(key()) : state.beginPromotion(time: time)
      if let promotion { promotions.append(promotion) }
    }

    mutating func finishPromotion() {
      guard !promotions.isEmpty else { return }
      let promotion = promotions.remove(at: below(promotions.count))
      var isRead = true
      switch promotion.source {
      case .slot: errors.append("promoted from a slot")
      case .packed(let packed): check(packed, promotion.key)
      case .disk(let place):
        expect(records[place]?.contains(promotion.key) == true, "a record lacks the frame")
        if below(10) == 0 {
          isRead = false
          // Pins do not help against damage.
          if pins[promotion.key.block, default: 0] == 0 {
            state.markDamaged(promotion.key, at: place)
          }
        }
      }
      slots[promotion.slot] = promotion.key
      state.finishPromotion(promotion, isExact: isRead ? true : nil, time: time)
    }

    mutating func finishDemotion() {
      guard !demotions.isEmpty else { return }
      let demotion = demotions.remove(at: below(demotions.count))
      expect(slots[demotion.slot] == demotion.key, "a slot was overwritten while it was encoded")
      state.finishDemotion(demotion, encoded(demotion.key))
    }

    mutating func finishWrite() {
      guard !writes.isEmpty else { return }
      let job = writes.remove(at: below(writes.count))
      var keys: [FrameKey] = []
      for (frame, source) in job.frames.enumerated() {
        let key = FrameKey(block: job.identity, frame: UInt16(frame))
        switch source {
        case nil: continue
        case .slot(let slot)?: expect(slots[slot] == key, "a slot changed while it was written")
        case .packed(let packed)?: check(packed, key)
        case .disk(let place)?: expect(records[place]?.contains(key) == true, "not in the record")
        }
        keys.append(key)
      }
      if below(5) == 0 {
        state.endWrite(job, failed: true)
        return
      }
      let place = RecordPlace(segment: 1, offset: nextOffset, byteCount: 100 + below(100))
      nextOffset += 200
      records[place] = keys
      state.finishWrite(job, at: place)
      state.endWrite(job, failed: false)
    }

    mutating func invalidate() {
      let session = UInt64(below(4))
      for identity in state.invalidate(where: { $1.session == session }) { pins[identity] = nil }
      // Puts that are under way are of blocks that are gone.
    }

    mutating func pin() {
      let identity = identity()
      if below(2) == 0, pins.values.reduce(0, +) < 4 {
        if state.storedBlock(identity) != nil, state.pin(identity) {
          pins[identity, default: 0] += 1
        }
      } else if let count = pins[identity], count > 0 {
        state.unpin(identity)
        pins[identity] = count - 1
      }
    }

    mutating func retire() {
      if below(2) == 0 {
        if let slot = state.beginRetiring() { retiring.append(slot) }
      } else if let slot = retiring.popLast() {
        slots[slot] = nil
        state.finishRetiring(slot)
      }
    }

    /// Ends everything that is under way, and lets the budgets be whole again.
    mutating func finish() {
      state.adapt(toShare: 1)
      while !puts.isEmpty { finishPut() }
      while !promotions.isEmpty { finishPromotion() }
      while !demotions.isEmpty { finishDemotion() }
      while !writes.isEmpty { finishWrite() }
      while !lent.isEmpty { giveBack() }
      while let slot = state.beginRetiring() { retiring.append(slot) }
      while let slot = retiring.popLast() { state.finishRetiring(slot) }
      expect(state.snapshot().lentFrames == 0, "something is still lent")
    }
  }
}
