import Cache
import Foundation
import Testing

/// Locks belong to open files, so two stores in one process stand to each other as two processes do.
@Suite("Several processes in one folder")
struct SharedFolderTests {
  private typealias World = StoreWorld

  @Test("Each writes to a segment of its own, and reads the other's after refreshing")
  func twoWriters() throws {
    try World.withFolder { folder in
      let (a, b) = (try World.store(in: folder), try World.store(in: folder))
      try a.put(1)
      try b.put(2)
      try a.flush()
      try b.flush()
      #expect(try World.segments(folder).count == 2)
      #expect(!a.has(2))
      try a.refresh()
      try b.refresh()
      #expect(try a.read(2) == World.bytes(2))
      #expect(try b.read(1) == World.bytes(1))
      try a.put(3)
      try a.flush()
      try b.refresh()
      #expect(try b.read(3) == World.bytes(3))
      #expect(a.takeReports() + b.takeReports() == [])
      // The next process goes on with what they have left.
      try a.close()
      try b.close()
      let c = try World.store(in: folder)
      try c.put(4)
      try c.close()
      #expect(try World.segments(folder).count == 2)
    }
  }

  @Test("Two processes that write, forget and compact at once each find all that is left")
  func twoProcesses() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-shared-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let own = Task.detached { try Self.work(in: folder, from: 1000) }
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      try SharedFolderTests.work(in: folder, from: 0)
    }
    try await own.value
    let store = try World.store(in: folder)
    for number in Array(0..<60) + Array(1000..<1060) {
      #expect(store.has(number) == (number % 5 != 3), "block \(number)")
      if store.has(number) { #expect(try store.read(number) == World.bytes(number)) }
    }
    #expect(store.takeReports() == [])
    #expect(store.violations() == [])
  }

  /// Puts sixty blocks in small segments and forgets a fifth of them, one after the other.
  fileprivate static func work(in folder: String, from start: Int) throws {
    var options = World.options(exactBlocks: 6)
    options.segmentBytes = 6 * World.blockBytes
    let store = try World.store(options, in: folder)
    // Both begin when both are there.
    try writeFile("\(folder)/ready-\(start)", [])
    var waits = 0
    while try waits < 10_000 && FileManager.default.contentsOfDirectory(atPath: folder).count < 3 {
      usleep(1000)
      waits += 1
    }
    for number in start..<start + 60 {
      try store.put(number)
      try store.flush()
      if number % 5 == 3 { try store.forget(.block(World.identity(number))) }
      if number % 10 == 9 {
        try store.refresh()
        try store.idle(for: .milliseconds(5))
      }
      for known in start..<number where known % 5 != 3 {
        guard try store.read(known) == World.bytes(known) else {
          throw StoreError(.damaged, "block \(known) has wrong bytes.")
        }
      }
    }
    guard store.takeReports() == [], store.violations() == [] else {
      throw StoreError(.damaged, "something was found that should not be.")
    }
    try store.close()
  }

  @Test("Compaction takes no file from under another process")
  func compaction() throws {
    try World.withFolder { folder in
      var options = World.options(exactBlocks: 40)
      options.segmentBytes = 6 * World.blockBytes
      let a = try World.store(options, in: folder)
      for number in 0..<20 { try a.put(number) }
      try a.flush()
      let b = try World.store(options, in: folder)
      for number in 0..<20 { #expect(try b.read(number) == World.bytes(number)) }
      #expect(try a.forget(.session(3)).segmentsLeft == 0)
      // Its files are removed, and it reads them all the same.
      for number in 0..<20 { #expect(try b.read(number) == World.bytes(number)) }
      try b.refresh()
      for number in 0..<20 {
        #expect(b.has(number) == (number % 5 != 3))
        if b.has(number) { #expect(try b.read(number) == World.bytes(number)) }
      }
      #expect(b.violations() == [])
      #expect(b.takeReports() == [])
    }
  }

  @Test(
    "What one forgets the other forgets, also what it has in memory, and not what it puts later")
  func forgetting() throws {
    try World.withFolder { folder in
      let a = try World.store(in: folder)
      try a.put(3)
      try a.flush()
      let b = try World.store(in: folder)
      let lent = try b.fetch(FrameKey(block: World.identity(3), frame: 0))
      b.giveBack(lent)
      try a.invalidate(.session(3))
      try b.refresh()
      #expect(!b.has(3))
      try b.put(3)
      try b.flush()
      try a.refresh()
      #expect(try a.read(3) == World.bytes(3))
    }
  }

  @Test("A segment's number is not used again, whoever remembers the old one")
  func numbers() throws {
    try World.withFolder { folder in
      let a = try World.store(in: folder)
      for number in 0..<5 { try a.put(number) }
      try a.flush()
      let b = try World.store(in: folder)
      #expect(try b.read(2) == World.bytes(2))
      let first = try World.segments(folder)
      // Nothing in it lives: it is removed, and it was the last.
      try a.forget(.model(1))
      for path in first { #expect(try !World.segments(folder).contains(path)) }
      for number in 10..<15 { try a.put(number) }
      try a.flush()
      try a.close()
      let c = try World.store(in: folder)
      try c.forget(.model(1))
      for number in 20..<25 { try c.put(number) }
      try c.flush()
      #expect(Set(try World.segments(folder)).isDisjoint(with: first))
      try b.refresh()
      #expect((0..<30).filter(b.has) == Array(20..<25))
      for number in 20..<25 { #expect(try b.read(number) == World.bytes(number)) }
      #expect(b.takeReports() == [])
      #expect(b.violations() == [])
    }
  }

  @Test("A segment that another process writes to is not compacted, and forget says so")
  func busySegment() throws {
    try World.withFolder { folder in
      let a = try World.store(in: folder)
      try a.put(3)
      try a.flush()
      let b = try World.store(in: folder)
      let forgotten = try b.forget(.session(3))
      #expect(forgotten.blocks == 1)
      #expect(forgotten.segmentsLeft == 1)
      try a.refresh()
      #expect(!a.has(3))
      try a.close()
      #expect(try b.forget(.session(3)).segmentsLeft == 0)
      try b.close()
      #expect(try !World.store(in: folder).has(3))
    }
  }

  @Test("A torn tail is cut only by a process that is alone")
  func tornTail() throws {
    try World.withFolder { folder in
      do {
        let store = try World.store(in: folder)
        for number in 0..<3 { try store.put(number) }
        try store.close()
      }
      let path = try #require(try World.segments(folder).first)
      let bytes = try readFile(path)
      let reader = try World.store(in: folder)
      try writeFile(path, bytes + [1, 2, 3])
      let second = try World.store(in: folder)
      #expect(second.takeReports().map(\.kind) == [.tornTail])
      #expect(try readFile(path).count == bytes.count + 3)
      // Nor is it built upon.
      try second.put(9)
      try second.flush()
      #expect(try readFile(path).count == bytes.count + 3)
      try reader.close()
      try second.close()
      let alone = try World.store(in: folder)
      #expect(alone.takeReports().map(\.kind) == [.tornTail])
      #expect(try readFile(path).count == bytes.count)
      for number in [0, 1, 2, 9] { #expect(try alone.read(number) == World.bytes(number)) }
    }
  }
}
