import Cache
import Foundation
import TestSupport
import Testing

@Suite("Upkeep of a store's files")
struct UpkeepTests {
  private typealias World = StoreWorld

  /// A store of another model's shape in the same folder, with a block of its own.
  private static func addForeignBlock(_ folder: String) throws -> BlockIdentity {
    let shape = FrameShape(
      heads: 2, dimension: 8, tokens: 8, valueStride: 8, elementBytes: 2)
    let store = try TieredStore(
      options: World.options(), shape: shape, framesPerBlock: 3, directory: folder)
    let identity = BlockIdentity(high: 1 << 40, low: 3)
    let bytes = (0..<3 * shape.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try store.put(
      identity, attributes: World.attributes(7), metadata: [1, 2, 3], frames: bytes.span.bytes)
    try store.close()
    return identity
  }

  private static func damaged(_ store: TieredStore) throws -> Set<BlockIdentity> {
    Set(try store.records().compactMap { try store.check($0) == nil ? nil : $0.identity })
  }

  @Test("Any changed byte of any record, of whatever model, is found and can be dropped")
  func flips() throws {
    try World.withFolder { folder in
      let foreign = try Self.addForeignBlock(folder)
      var store = try World.store(in: folder)
      for number in 0..<4 { try store.put(number) }
      try store.close()
      let path = try #require(World.segments(folder).first)
      let whole = try Data(contentsOf: URL(filePath: path))
      store = try World.store(in: folder)
      #expect(store.records().count == 5 && store.holds(foreign))
      #expect(store.anyMetadata(of: foreign) == [1, 2, 3])
      #expect(try Self.damaged(store) == [])
      let places = Dictionary(
        uniqueKeysWithValues: store.records().map { ($0.identity, $0.place) })
      var random = SeededGenerator(seed: 5)
      for (identity, place) in places {
        for _ in 0..<60 {
          let offset = place.offset + Int.random(in: 0..<place.byteCount, using: &random)
          var bytes = whole
          bytes[offset] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &random)
          try Self.overwrite(path, bytes)
          #expect(try Self.damaged(store) == [identity], "offset \(offset)")
        }
      }
      // Dropped, the others are whole, also for the next process.
      let victim = World.identity(2)
      var bytes = whole
      bytes[places[victim]!.offset + places[victim]!.byteCount - 40] ^= 4
      bytes[places[foreign]!.offset + places[foreign]!.byteCount - 40] ^= 4
      try Self.overwrite(path, bytes)
      #expect(try Self.damaged(store) == [victim, foreign])
      #expect(try store.forget([victim, foreign]).segmentsLeft == 0)
      #expect(try Self.damaged(store) == [] && store.records().count == 3)
      #expect(!store.holds(victim) && !store.holds(foreign) && store.holds(World.identity(1)))
      try store.close()
      let next = try World.store(in: folder)
      #expect(next.records().count == 3)
      #expect(try Self.damaged(next) == [])
      #expect(next.takeReports() == [])
    }
  }

  /// In place: a store that has the file open sees it.
  private static func overwrite(_ path: String, _ bytes: Data) throws {
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    try file.write(contentsOf: bytes)
  }

  @Test("A segment with a damaged part says so until it is compacted, which keeps what is whole")
  func damagedParts() throws {
    try World.withFolder { folder in
      var store = try World.store(in: folder)
      for number in 0..<6 { try store.put(number) }
      try store.close()
      let path = try #require(World.segments(folder).first)
      let place = try World.store(in: folder).records()[2].place
      var bytes = try Data(contentsOf: URL(filePath: path))
      // A record's header, and a copy of the file's.
      bytes[place.offset + 30] ^= 1
      bytes[20] ^= 1
      try bytes.write(to: URL(filePath: path))
      store = try World.store(in: folder)
      let before = try #require(try store.segmentConditions().first)
      #expect(before.isDamaged && before.deadBytes == place.byteCount)
      #expect(store.records().count == 5)
      #expect(try store.compact(segment: before.number))
      let after = try store.segmentConditions()
      #expect(after.count == 1 && !after[0].isDamaged && after[0].deadBytes == 0)
      #expect(store.records().count == 5)
      try store.close()
      let next = try World.store(in: folder)
      #expect(next.takeReports() == [] && next.records().count == 5)
    }
  }

  @Test("A segment whose header is gone can be set aside; one of a later version stays")
  func unreadable() throws {
    try World.withFolder { folder in
      for number in 0..<2 {
        let store = try World.store(in: folder)
        try store.put(number)
        try store.flush()
        let other = try World.store(in: folder)
        try other.put(number + 10)
        try other.close()
        try store.close()
      }
      let paths = try World.segments(folder)
      #expect(paths.count == 2)
      var bytes = try Data(contentsOf: URL(filePath: paths[0]))
      for index in 0..<128 { bytes[index] = 0 }
      try bytes.write(to: URL(filePath: paths[0]))
      // Version 9, with checksums that are right.
      bytes = try Data(contentsOf: URL(filePath: paths[1]))
      for start in [0, 64] {
        bytes[start + 8] = 9
        let checksum = Checksum.xxh64(Array(bytes[start..<start + 56]))
        for byte in 0..<8 {
          bytes[start + 56 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt64(8 * byte))
        }
      }
      try bytes.write(to: URL(filePath: paths[1]))
      let store = try World.store(in: folder)
      let found = try store.unreadableSegments()
      #expect(found.map(\.path) == paths && found.map(\.isNewer) == [false, true])
      let aside = try #require(try store.setAside(segment: found[0].number, suffix: "damaged-1"))
      #expect(FileManager.default.fileExists(atPath: aside))
      #expect(try store.setAside(segment: found[1].number, suffix: "damaged-1") == nil)
      #expect(try store.unreadableSegments().map(\.isNewer) == [true])
      #expect(try World.segments(folder) == [paths[1]])
    }
  }

  @Test("What is to be done alone is not done while another store has the folder open")
  func alone() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      var runs = 0
      #expect(try store.alone { runs += 1 })
      let other = try World.store(in: folder)
      #expect(try !store.alone { runs += 1 })
      #expect(try !other.alone { runs += 1 })
      try other.close()
      #expect(try store.alone { runs += 1 })
      #expect(runs == 2)
      // The presence that was given up for it is back: a third is not alone.
      let third = try World.store(in: folder)
      #expect(try !third.alone { runs += 1 })
    }
  }

  @Test("A file that a killed process left is removed by the first to come, which says so")
  func strays() throws {
    try World.withFolder { folder in
      try World.store(in: folder).close()
      let stray = "\(folder)/segments/12.tmp"
      try writeFile(stray, [1])
      let store = try World.store(in: folder)
      #expect(!FileManager.default.fileExists(atPath: stray))
      let reports = store.takeReports()
      #expect(reports.map(\.kind) == [.strayFile] && reports[0].message.contains(stray))
    }
  }

  @Test("Shrinking lets go until the files are within the budget, and spares what is protected")
  func shrinking() throws {
    try World.withFolder { folder in
      var options = World.options()
      options.segmentBytes = 6 * World.blockBytes
      let store = try World.store(options, in: folder)
      for number in 0..<30 {
        try store.put(number)
        try store.flush()
      }
      try store.close()
      options.diskBytes = 14 * World.blockBytes
      options.protection = { () throws(StoreError) in BlockProtection(sessions: [1]) }
      let smaller = try World.store(options, in: folder)
      try smaller.shrinkToBudget()
      #expect(smaller.statistics().segmentBytes <= options.diskBytes)
      for number in stride(from: 1, to: 30, by: 5) {
        #expect(try smaller.read(number) == World.bytes(number))
      }
      #expect(smaller.violations() == [])
    }
  }
}
