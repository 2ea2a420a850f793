import Cache
import TestSupport
import Testing

@Suite("Damaged segments")
struct DamageTests {
  private typealias World = StoreWorld

  /// A store's folder with one segment of `count` blocks.
  private func makeSegment(_ folder: String, count: Int) throws -> (path: String, bytes: [UInt8]) {
    let store = try World.store(World.options(exactBlocks: 2 * count), in: folder)
    for number in 0..<count { try store.put(number) }
    try store.close()
    let path = try #require(try World.segments(folder).first)
    return (path, try readFile(path))
  }

  @Test("Each of a thousand flipped bits is found, and every other block is served")
  func bitFlips() throws {
    try World.withFolder { folder in
      let count = 24
      let (path, bytes) = try makeSegment(folder, count: count)
      for seed in 0..<1000 as Range<UInt64> {
        var random = SeededGenerator(seed: seed)
        var damaged = bytes
        let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        try writeFile(path, damaged)
        var options = World.options()
        options.mapsSegments = seed % 2 == 0
        let store = try World.store(options, in: folder)
        var findings = store.takeReports().count
        var refused = 0
        for number in 0..<count {
          do {
            let read = try store.read(number)
            #expect(read == World.bytes(number), "seed \(seed), bit \(bit), block \(number)")
          } catch let error as StoreError {
            #expect(error.code == .damaged || error.code == .missing, "seed \(seed): \(error)")
            refused += 1
            findings += 1
          }
        }
        #expect(findings >= 1, "seed \(seed): bit \(bit) was not found")
        #expect(refused <= 1, "seed \(seed): bit \(bit) cost \(refused) blocks")
        #expect(store.violations() == [], "seed \(seed)")
      }
    }
  }

  @Test("Each of two hundred cuts is found, what lies before it is served, and writing goes on")
  func truncations() throws {
    try World.withFolder { folder in
      let count = 24
      let (path, bytes) = try makeSegment(folder, count: count)
      let recordBytes = (bytes.count - 128) / count
      for seed in 0..<200 as Range<UInt64> {
        var random = SeededGenerator(seed: seed)
        let length = Int.random(in: 0..<bytes.count, using: &random)
        try writeFile(path, Array(bytes[..<length]))
        do {
          let store = try World.store(in: folder)
          let isBetweenRecords = length >= 128 && (length - 128) % recordBytes == 0
          let reports = store.takeReports()
          #expect(isBetweenRecords == reports.isEmpty, "seed \(seed), \(length) bytes: \(reports)")
          let whole = max(0, length - 128) / recordBytes
          for number in 0..<count {
            #expect(store.has(number) == (number < whole), "seed \(seed), block \(number)")
          }
          for number in 0..<whole { #expect(try store.read(number) == World.bytes(number)) }
          try store.put(100)
          try store.close()
        }
        let store = try World.store(in: folder)
        // A file without a whole header stays, and is told of each time.
        #expect(store.takeReports().allSatisfy { $0.kind == .unreadableSegment })
        #expect(try store.read(100) == World.bytes(100))
        try store.close()
        for other in try World.segments(folder) where other != path { try removeFile(other) }
      }
    }
  }

  @Test("A damaged frame can be put again, and is whole from then on")
  func healing() throws {
    try World.withFolder { folder in
      var (path, bytes) = try makeSegment(folder, count: 4)
      // The last frame of the last block.
      bytes[bytes.count - 10] ^= 1
      try writeFile(path, bytes)
      do {
        let store = try World.store(in: folder)
        let key = FrameKey(block: World.identity(3), frame: 3)
        store.prefetch([key])
        store.settle()
        #expect(store.takeReports().map(\.kind) == [.damagedFrame])
        #expect(store.statistics().damagedFrames == 1)
        #expect(!store.has(3))
        #expect(store.tier(of: FrameKey(block: World.identity(3), frame: 2)) == .disk)
        #expect(try store.put(3) == .stored)
        #expect(try store.read(3) == World.bytes(3))
        try store.close()
      }
      let store = try World.store(in: folder)
      for number in 0..<4 { #expect(try store.read(number) == World.bytes(number)) }
      #expect(store.takeReports() == [])
    }
  }

  @Test("A segment of a later version is named, not used, and kept")
  func laterVersion() throws {
    try World.withFolder { folder in
      var (path, bytes) = try makeSegment(folder, count: 4)
      for start in [0, 64] {
        bytes[start + 8] = 9
        let checksum = Checksum.xxh64(Array(bytes[start..<start + 56]))
        withUnsafeBytes(of: checksum.littleEndian) {
          bytes.replaceSubrange(start + 56..<start + 64, with: $0)
        }
      }
      try writeFile(path, bytes)
      let store = try World.store(in: folder)
      let reports = store.takeReports()
      #expect(reports.map(\.kind) == [.unreadableSegment])
      #expect(reports.first?.message.contains("version 9") == true)
      try store.put(50)
      try store.close()
      #expect(try readFile(path) == bytes)
      #expect(try World.segments(folder).count == 2)
    }
  }
}
