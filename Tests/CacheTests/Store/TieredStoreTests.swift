import Cache
import TestSupport
import Testing

@Suite("Tiered store")
struct TieredStoreTests {
  private typealias World = StoreWorld

  @Test("A block that was put is lent frame by frame, and read whole")
  func putAndLend() throws {
    let store = try World.store(in: nil)
    #expect(try store.put(1) == .stored)
    #expect(try store.put(1) == .present)
    let bytes = World.bytes(1)
    for frame in 0..<World.framesPerBlock {
      let key = FrameKey(block: World.identity(1), frame: UInt16(frame))
      let lent = try #require(store.lend(key))
      #expect(lent.isExact)
      #expect(UInt(bitPattern: lent.bytes.baseAddress) % 64 == 0)
      let size = World.shape.byteCount
      #expect(Array(lent.bytes) == Array(bytes[frame * size..<(frame + 1) * size]))
      store.giveBack(lent)
    }
    #expect(try store.read(1) == bytes)
    #expect(store.metadata(of: World.identity(1)) == World.metadata(1))
    #expect(store.lend(FrameKey(block: World.identity(2), frame: 0)) == nil)
    #expect(store.violations() == [])
  }

  @Test("Under pressure blocks go down tier by tier, and come up again with the same bytes")
  func demotionAndPromotion() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      for number in 0..<64 {
        try store.put(number)
        store.settle()
        #expect(store.violations() == [])
      }
      let statistics = store.statistics()
      #expect(statistics.tiers[.exact].bytes <= 8 * World.blockBytes)
      #expect(statistics.tiers[.packed].bytes <= 8 * World.blockBytes)
      #expect(statistics.blocks == 64)
      #expect(store.tier(of: World.identity(0)) == .disk)
      #expect(store.tier(of: World.identity(63)) == .exact)
      for number in 0..<64 { #expect(try store.read(number) == World.bytes(number)) }
      let key = FrameKey(block: World.identity(0), frame: 2)
      #expect(store.lend(key) == nil)
      store.prefetch([key, key])
      store.settle()
      let lent = try #require(store.lend(key))
      #expect(Array(lent.bytes) == Array(World.bytes(0)[512..<768]))
      store.giveBack(lent)
      let prefetches = store.statistics().prefetches
      #expect(prefetches.requested == 2)
      #expect(prefetches.joined == 1)
      #expect(prefetches.onTime == 1)
    }
  }

  @Test("Without a disk the oldest blocks leave, and those that stay are whole")
  func memoryOnly() throws {
    let store = try World.store(in: nil)
    for number in 0..<64 {
      try store.put(number)
      store.settle()
    }
    #expect(!store.has(0))
    let left = (0..<64).filter(store.has)
    #expect(left.count >= 12)
    for number in left { #expect(try store.read(number) == World.bytes(number)) }
    #expect(throws: StoreError.self) { try store.read(0) }
    #expect(store.statistics().tiers[.packed][evicted: .room] > 0)
    #expect(store.violations() == [])
  }

  @Test("A put that finds L1 full encodes into L2 instead of waiting")
  func putWithoutRoom() throws {
    let store = try World.store(in: nil)
    // Nobody settles: nothing leaves L1.
    for number in 0..<12 { #expect(try store.put(number) == .stored) }
    #expect(store.tier(of: World.identity(11)) == .packed)
    for number in 0..<12 { #expect(try store.read(number) == World.bytes(number)) }
    #expect(store.violations() == [])
  }

  @Test("A put for which every budget is full of pinned blocks is declined, and says so")
  func declined() throws {
    let store = try World.store(in: nil)
    var results: [TieredStore.PutResult] = []
    for number in 0..<20 {
      results.append(try store.put(number))
      store.pin(World.identity(number))
      store.settle()
      #expect(store.violations() == [])
    }
    #expect(results[..<15].allSatisfy { $0 == .stored })
    #expect(results[19] == .declined(frames: 4))
    for number in 0..<15 { #expect(try store.read(number) == World.bytes(number)) }
    for number in 0..<15 { store.unpin(World.identity(number)) }
    #expect(try store.put(30) == .stored)
  }

  @Test("A lent frame stays readable though its block is invalidated")
  func lentAndInvalidated() throws {
    let store = try World.store(in: nil)
    try store.put(1)
    let key = FrameKey(block: World.identity(1), frame: 0)
    let lent = try #require(store.lend(key))
    try store.invalidate(.block(World.identity(1)))
    #expect(store.lend(key) == nil)
    for number in 2..<40 {
      try store.put(number)
      store.settle()
    }
    #expect(Array(lent.bytes) == Array(World.bytes(1)[..<256]))
    #expect(store.violations() == [])
    store.giveBack(lent)
    #expect(store.violations() == [])
    #expect(store.statistics().lentFrames == 0)
  }

  @Test("Flushed blocks are there after reopening, with attributes and metadata")
  func reopening() throws {
    try World.withFolder { folder in
      let first = try World.store(in: folder)
      for number in 0..<20 {
        try first.put(number)
        first.settle()
      }
      try first.flush()
      #expect(first.statistics().dirtyBlocks == 0)
      #expect(first.statistics().writeAmplification < 1.01)
      let bytes = first.statistics().bytesWritten
      try first.flush()
      #expect(first.statistics().bytesWritten == bytes)
      try first.close()
      #expect(throws: StoreError.self) { try first.put(50) }

      let second = try World.store(in: folder)
      #expect(second.takeReports() == [])
      var seen: [BlockIdentity] = []
      second.forEachBlock(where: { $0.attributes.session == 3 }) { block in
        #expect(block.isComplete && block.isDurable)
        seen.append(block.identity)
      }
      #expect(seen == [3, 8, 13, 18].map(World.identity))
      for number in 0..<20 {
        #expect(try second.read(number) == World.bytes(number))
        let block = try #require(second.block(World.identity(number)))
        #expect(block.attributes == World.attributes(number))
        #expect(block.metadata == World.metadata(number))
      }
      second.preload()
      second.settle()
      #expect(second.tier(of: World.identity(19)) == .exact)
      #expect(second.violations() == [])
    }
  }

  @Test("What is invalidated stays away after reopening, and may be put again")
  func invalidation() throws {
    try World.withFolder { folder in
      let first = try World.store(World.options(exactBlocks: 40), in: folder)
      for number in 0..<20 { try first.put(number) }
      try first.flush()
      #expect(try first.invalidate(.session(3)) == 4)
      #expect(try first.invalidate(.block(World.identity(0))) == 1)
      #expect(try first.invalidate { identity, _ in identity == World.identity(1) } == 1)
      try first.put(3)
      try first.close()
      let second = try World.store(in: folder)
      let left = (0..<20).filter(second.has)
      #expect(left == (0..<20).filter { ![0, 1, 8, 13, 18].contains($0) })
      #expect(try second.read(3) == World.bytes(3))
      #expect(try second.invalidate(.namespace(0)) == 7)
      #expect(try second.invalidate(.model(1)) == 8)
      #expect(second.statistics().blocks == 0)
      #expect(second.violations() == [])
    }
  }

  @Test("Forgetting takes the bytes from the disk before it returns")
  func forgetting() throws {
    try World.withFolder { folder in
      var options = World.options(exactBlocks: 40)
      options.segmentBytes = 6 * World.blockBytes
      let store = try World.store(options, in: folder)
      for number in 0..<30 { try store.put(number) }
      try store.flush()
      func isOnDisk(_ number: Int) throws -> Bool {
        let needle = Array(World.bytes(number)[..<64])
        return try World.segments(folder).contains { path in
          contains(needle, in: try Array(readFile(path)))
        }
      }
      #expect(try isOnDisk(3))
      let forgotten = try store.forget(.session(3))
      #expect(forgotten.blocks == 6)
      #expect(forgotten.segmentsLeft == 0)
      for number in 0..<30 {
        #expect(try isOnDisk(number) == (number % 5 != 3), "block \(number)")
        #expect(store.has(number) == (number % 5 != 3))
      }
      try store.close()
      let second = try World.store(options, in: folder)
      #expect((0..<30).filter(second.has) == (0..<30).filter { $0 % 5 != 3 })
      for number in 0..<30 where number % 5 != 3 {
        #expect(try second.read(number) == World.bytes(number))
      }
    }
  }

  @Test("The disk's budget holds, by compacting and letting go")
  func diskBudget() throws {
    try World.withFolder { folder in
      var options = World.options(diskBytes: 40 * World.blockBytes)
      options.segmentBytes = 8 * World.blockBytes
      let store = try World.store(options, in: folder)
      for number in 0..<200 {
        try store.put(number)
        if number == 0 { store.pin(World.identity(0)) }
        store.settle()
        if number % 7 == 0 { try store.flush() }
        let bytes = try World.segments(folder).reduce(0) { try $0 + readFile($1).count }
        #expect(bytes <= options.diskBytes + options.segmentBytes!)
      }
      #expect(store.statistics().compactions > 0)
      #expect(store.statistics().tiers[.disk][evicted: .room] > 0)
      #expect(store.has(0))
      for number in (0..<200).filter(store.has) {
        #expect(try store.read(number) == World.bytes(number))
      }
      #expect(store.violations() == [])
    }
  }

  @Test("A flush that has to compact the segment it writes to leaves nothing unwritten")
  func flushWithinBudget() throws {
    for segmentBlocks in [6, 20, 100] {
      try World.withFolder { folder in
        var options = World.options(exactBlocks: 100, diskBytes: 24 * World.blockBytes)
        options.segmentBytes = segmentBlocks * World.blockBytes
        let store = try World.store(options, in: folder)
        for start in stride(from: 0, to: 100, by: 5) {
          for number in start..<start + 5 { try store.put(number) }
          try store.flush()
          #expect(store.statistics().dirtyBlocks == 0, "from \(start), \(segmentBlocks)")
          // What is flushed is there for another process, too.
          let durable = (0..<start + 5).filter {
            store.block(World.identity($0))?.isDurable == true
          }
          #expect(durable.suffix(5) == Array(start..<start + 5), "\(segmentBlocks)")
          let other = try World.store(options, in: folder)
          for number in durable { #expect(try other.read(number) == World.bytes(number)) }
          #expect(store.violations() == [])
        }
        #expect(store.statistics().compactions > 0)
      }
    }
  }

  @Test("A disk budget full of pinned blocks is one clear error, and everything stays readable")
  func pinnedDisk() throws {
    try World.withFolder { folder in
      var options = World.options(exactBlocks: 80, diskBytes: 20 * World.blockBytes)
      options.segmentBytes = 4 * World.blockBytes
      let store = try World.store(options, in: folder)
      for number in 0..<40 {
        try store.put(number)
        store.pin(World.identity(number))
      }
      let error = #expect(throws: StoreError.self) { try store.flush() }
      #expect(error?.code == .full)
      for number in 0..<40 { #expect(try store.read(number) == World.bytes(number)) }
      #expect(store.violations() == [])
    }
  }

  @Test("A late prefetch is dropped and counted; without a deadline it is served")
  func deadlines() throws {
    try World.withFolder { folder in
      let time = HandMovedClock()
      let store = try World.store(in: folder, clock: time.clock)
      for number in 0..<40 {
        try store.put(number)
        store.settle()
      }
      let keys = (0..<4).map { FrameKey(block: World.identity(0), frame: UInt16($0)) }
      store.prefetch(Array(keys[..<2]), within: .milliseconds(5))
      time.advance(.milliseconds(6))
      store.settle()
      var prefetches = store.statistics().prefetches
      #expect(prefetches.late == 2)
      #expect(prefetches.dropped == 2)
      #expect(store.lend(keys[0]) == nil)
      store.prefetch(keys)
      store.settle()
      prefetches = store.statistics().prefetches
      #expect(prefetches.onTime == 4)
      for key in keys { #expect(store.tier(of: key) == .exact) }
    }
  }

  @Test(
    "What was prefetched stays until it is used, whatever the policy thinks of newcomers",
    arguments: PolicyKind.allCases)
  func arrivals(policy: PolicyKind) throws {
    try World.withFolder { folder in
      var options = World.options(exactBlocks: 16)
      options.exactPolicy = policy
      let store = try World.store(options, in: folder)
      for number in 0..<60 {
        try store.put(number)
        store.settle()
        for hot in 0..<12 where store.has(hot) {
          for frame in 0..<World.framesPerBlock {
            let key = FrameKey(block: World.identity(hot), frame: UInt16(frame))
            store.giveBack(try store.fetch(key))
          }
        }
      }
      let cold = (12..<60).filter { store.tier(of: World.identity($0)) == .disk }
      #expect(cold.count > 10)
      for number in cold {
        // As many as an eighth of L1 holds.
        let keys = (0..<World.framesPerBlock).map {
          FrameKey(block: World.identity(number), frame: UInt16($0))
        }
        store.prefetch(keys)
        store.settle()
        for key in keys { store.giveBack(try #require(store.lend(key), "block \(number)")) }
        store.settle()
        #expect(store.violations() == [])
      }
      #expect(store.statistics().prefetches.unused == 0)
      // Those that nobody uses make room for others.
      for number in 0..<60 {
        store.prefetch([FrameKey(block: World.identity(number), frame: 3)])
        store.settle()
      }
      #expect(store.statistics().prefetches.unused > 10)
      #expect(store.violations() == [])
    }
  }

  @Test("Less memory shrinks L1 and L2 at once, and more lets them grow again")
  func adapting() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      for number in 0..<30 {
        try store.put(number)
        store.settle()
      }
      store.adapt(toShare: 0.25)
      store.settle()
      var statistics = store.statistics()
      #expect(statistics.tiers[.exact].bytes <= 2 * World.blockBytes)
      #expect(statistics.tiers[.packed].bytes <= 2 * World.blockBytes)
      #expect(store.violations() == [])
      for number in 0..<30 { #expect(try store.read(number) == World.bytes(number)) }
      store.adapt(toShare: 0)
      store.settle()
      #expect(store.violations() == [])
      for number in 0..<30 { #expect(try store.read(number) == World.bytes(number)) }
      #expect(throws: StoreError.self) {
        try store.fetch(FrameKey(block: World.identity(0), frame: 0))
      }
      store.adapt(toShare: 1)
      for number in 0..<30 { try store.put(number + 100) }
      store.settle()
      statistics = store.statistics()
      #expect(statistics.tiers[.exact].bytes > 4 * World.blockBytes)
      #expect(store.violations() == [])
    }
  }

  @Test("A block used twice is written early when the policy says so")
  func selectiveWriting() throws {
    try World.withFolder { folder in
      var options = World.options()
      options.writePolicy = .writeThroughSelective(afterHits: 2)
      let store = try World.store(options, in: folder)
      try store.put(1)
      try store.put(2)
      for _ in 0..<2 {
        let key = FrameKey(block: World.identity(1), frame: 0)
        store.giveBack(try #require(store.lend(key)))
      }
      store.settle()
      #expect(store.block(World.identity(1))?.isDurable == true)
      #expect(store.block(World.identity(2))?.isDurable == false)
    }
  }

  @Test("Idle time reads what others wrote, writes what is dirty, and compacts")
  func idling() throws {
    try World.withFolder { folder in
      var options = World.options(exactBlocks: 60)
      options.segmentBytes = 8 * World.blockBytes
      let store = try World.store(options, in: folder)
      for number in 0..<20 { try store.put(number) }
      try store.flush()
      try store.invalidate(.session(3))
      try store.invalidate(.session(4))
      for number in 20..<30 { try store.put(number) }
      let other = try World.store(options, in: folder)
      try other.put(100)
      try other.close()
      let (before, time) = (store.statistics(), Duration.seconds(60))
      #expect(before.dirtyBlocks == 10 && before.deadBytes > 8 * World.blockBytes)
      try store.idle(for: .zero)
      #expect(store.statistics().dirtyBlocks == 10)
      try store.idle(for: time)
      let after = store.statistics()
      #expect(after.dirtyBlocks == 0)
      #expect(after.compactions > 0 && after.deadBytes < before.deadBytes / 4)
      #expect(try store.read(100) == World.bytes(100))
      #expect(store.violations() == [])
      #expect(store.takeReports() == [])
    }
  }

  @Test("A spill finds free slots at once: the reserve is kept by demoting in the background")
  func reserve() throws {
    var options = World.options(exactBlocks: 16)
    options.reserve = 2 * World.framesPerBlock
    let store = try World.store(options, in: nil)
    for number in 0..<40 {
      // Both of the step's blocks go to L1, though it has been full for long.
      for part in [number, number + 100] {
        try store.put(part)
        #expect(store.tier(of: World.identity(part)) == .exact, "block \(part)")
      }
      store.settle()
    }
    #expect(store.statistics().tiers[.exact].frames == 14 * World.framesPerBlock)
  }

  @Test("Preloading brings pinned blocks first, then those used most, then the latest")
  func preloading() throws {
    try World.withFolder { folder in
      var options = World.options(exactBlocks: 40)
      do {
        let store = try World.store(options, in: folder)
        for number in 0..<20 { try store.put(number) }
        try store.close()
      }
      options.exactBytes = 4 * World.blockBytes
      let store = try World.store(options, in: folder)
      store.pin(World.identity(2))
      for _ in 0..<3 { try store.put(7) }
      store.preload()
      store.settle()
      let exact = (0..<20).filter { store.tier(of: World.identity($0)) == .exact }
      #expect(exact.contains(2) && exact.contains(7) && exact.contains(19))
      #expect(exact.count == 3)
    }
  }

  @Test("The disk's budget leaves half of what is free to others")
  func freeSpace() throws {
    let disk = SimulatedDisk()
    disk.bytesFree = 40 * World.blockBytes
    var options = World.options(exactBlocks: 4, packedBlocks: 4)
    options.segmentBytes = 4 * World.blockBytes
    let store = try World.store(options, in: "/store", disk: disk)
    #expect(store.statistics().tiers[.disk].budget == 20 * World.blockBytes)
    for number in 0..<60 {
      try store.put(number)
      try store.flush()
    }
    #expect(store.statistics().segmentBytes <= 24 * World.blockBytes)
    #expect(store.takeReports() == [])
  }

  @Test("A day's write limit lets what is pushed out go, and a flush still writes")
  func dailyLimit() throws {
    try World.withFolder { folder in
      var options = World.options()
      options.writeBytesPerDay = 1
      let store = try World.store(options, in: folder)
      for number in 0..<60 {
        try store.put(number)
        store.settle()
        #expect(store.violations() == [])
      }
      #expect(store.statistics().tiers[.packed][evicted: .unwritten] > 0)
      let left = (0..<60).filter(store.has)
      try store.flush()
      try store.close()
      let second = try World.store(options, in: folder)
      for number in left { #expect(try second.read(number) == World.bytes(number)) }
    }
  }

  @Test("Blocks of another shape in the same folder are kept, not seen, and can be forgotten")
  func otherShapes() throws {
    try World.withFolder { folder in
      let first = try World.store(in: folder)
      for number in 0..<10 { try first.put(number) }
      try first.close()
      let shape = FrameShape(
        heads: 2, dimension: 8, tokens: 8, valueStride: 8, elementBytes: 2)
      let other = try TieredStore(
        options: World.options(), shape: shape, framesPerBlock: 2, directory: folder)
      #expect(!other.has(1))
      #expect(other.lend(FrameKey(block: World.identity(1), frame: 0)) == nil)
      var count = 0
      other.forEachBlock { _ in count += 1 }
      #expect(count == 0)
      #expect(throws: StoreError.self) {
        try other.put(
          World.identity(1), attributes: World.attributes(1), metadata: [],
          frames: [UInt8](repeating: 0, count: 2 * shape.byteCount).span.bytes)
      }
      #expect(try other.forget(.session(2)).blocks == 2)
      try other.close()
      let second = try World.store(in: folder)
      #expect((0..<10).filter(second.has) == [0, 1, 3, 4, 5, 6, 8, 9])
      #expect(try second.read(1) == World.bytes(1))
    }
  }

  @Test("An exact codec gives the same bits from every tier", arguments: PolicyKind.allCases)
  func codecs(policy: PolicyKind) throws {
    try World.withFolder { folder in
      var options = World.options()
      options.codec = .exact
      options.exactPolicy = policy
      options.packedPolicy = policy
      options.diskPolicy = policy
      let store = try World.store(options, in: folder)
      for number in 0..<64 {
        try store.put(number)
        store.settle()
      }
      for number in (0..<64).filter(store.has) {
        #expect(try store.read(number) == World.bytes(number))
      }
      #expect(store.violations() == [])
    }
  }
}
