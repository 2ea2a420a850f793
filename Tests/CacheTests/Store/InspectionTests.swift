import Cache
import Foundation
import Testing

private typealias World = StoreWorld

@Suite("Looking into a store, and forgetting single blocks")
struct InspectionTests {
  @Test("Forgetting some blocks takes their bytes from the files and leaves the others")
  func forgettingBlocks() throws {
    try World.withFolder { folder in
      let store = try World.store(World.options(exactBlocks: 32), in: folder)
      for number in 0..<20 { try store.put(number) }
      try store.flush()
      func filesHold(_ number: Int) throws -> Bool {
        try World.segments(folder).contains {
          Data(try readFile($0)).range(of: Data(World.bytes(number).prefix(64))) != nil
        }
      }
      for number in 0..<20 { #expect(try filesHold(number)) }
      let victims = [3, 4, 17]
      let forgotten = try store.forget(Set(victims.map(World.identity)))
      #expect(forgotten.blocks == 3 && forgotten.segmentsLeft == 0)
      for number in 0..<20 {
        #expect(try filesHold(number) == !victims.contains(number))
        #expect(store.has(number) == !victims.contains(number))
      }
      #expect(store.violations() == [])
      let next = try World.store(in: folder)
      for number in 0..<20 { #expect(next.has(number) == !victims.contains(number)) }
    }
  }

  @Test(
    "What another process kept from leaving the files goes with the next forgetting of anything")
  func leftovers() throws {
    try World.withFolder { folder in
      let a = try World.store(in: folder)
      try a.put(3)
      try a.flush()
      let b = try World.store(in: folder)
      #expect(try b.forget([World.identity(3)]).segmentsLeft == 1)
      try a.close()
      #expect(try b.forget([]).segmentsLeft == 0)
      let bytes = try World.segments(folder).flatMap { try readFile($0) }
      #expect(Data(bytes).range(of: Data(World.bytes(3).prefix(64))) == nil)
    }
  }

  @Test("Verifying reads the disk, also of what is in memory")
  func verifying() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      for number in 0..<4 { try store.put(number) }
      try store.flush()
      for number in 0..<4 { try store.verify(World.identity(number)) }
      let path = try #require(try World.segments(folder).first)
      var bytes = try readFile(path)
      let at = try #require(Data(bytes).range(of: Data(World.bytes(2).suffix(64)))).lowerBound
      bytes[at] ^= 1
      // In place: the store has the file mapped.
      let handle = try FileHandle(forUpdating: URL(filePath: path))
      try handle.seek(toOffset: UInt64(at))
      try handle.write(contentsOf: Data([bytes[at]]))
      try handle.close()
      for number in [0, 1, 3] { try store.verify(World.identity(number)) }
      let error = #expect(throws: StoreError.self) { try store.verify(World.identity(2)) }
      #expect(error?.code == .damaged)
      // Memory has it, so it is as good as ever, and is written anew.
      #expect(try store.read(2) == World.bytes(2))
      try store.flush()
      try store.verify(World.identity(2))
      #expect(throws: StoreError.self) { try store.verify(World.identity(9)) }
      #expect(store.violations() == [])
    }
  }

  @Test("Footprints add up to what the tiers hold, blocks of other shapes among them")
  func footprints() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      for number in 0..<30 {
        try store.put(number)
        store.settle()
      }
      try store.flush()
      let statistics = store.statistics()
      let footprints = store.footprints()
      #expect(footprints.map(\.exactBytes).reduce(0, +) == statistics.tiers[.exact].bytes)
      #expect(footprints.map(\.packedBytes).reduce(0, +) == statistics.tiers[.packed].bytes)
      #expect(footprints.map(\.diskBytes).reduce(0, +) == statistics.tiers[.disk].bytes)
      #expect(footprints.count == 30 && footprints.allSatisfy { !$0.isForeign })
      let other = try TieredStore(
        options: World.options(), shape: World.shape, framesPerBlock: World.framesPerBlock + 1,
        directory: folder)
      #expect(other.footprints().count == 30 && other.footprints().allSatisfy(\.isForeign))
    }
  }
}
