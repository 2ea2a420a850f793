import Cache
import Testing

@Suite("Traces of a store's requests")
struct TraceRecorderTests {
  private typealias World = StoreWorld

  private func trace(_ path: String) throws -> Trace {
    var parser = TraceParser()
    try parser.read(readFile(path))
    return try parser.finish(name: "recorded")
  }

  @Test("Frames that are put, lent and read are recorded in order, and replayed")
  func recording() throws {
    try World.withFolder { folder in
      let path = folder + "/trace"
      try writeFile(path, Array(repeating: 7, count: 1_000_000))
      var options = World.options()
      options.recordTrace = path
      let store = try World.store(options, in: folder)
      try store.put(1)
      try store.put(2)
      let key = FrameKey(block: World.identity(1), frame: 2)
      store.giveBack(try #require(store.lend(key)))
      store.giveBack(try store.fetch(key))
      // No tier has it: what it would cost is not known.
      _ = store.lend(FrameKey(block: World.identity(9), frame: 0))
      _ = try store.read(2)
      try store.put(1)
      try store.close()
      let trace = try trace(path)
      func frames(_ number: Int) -> [UInt64] {
        (0..<World.framesPerBlock).map {
          FrameKey(block: World.identity(number), frame: UInt16($0)).digest
        }
      }
      #expect(
        trace.requests.map(\.key)
          == frames(1) + frames(2) + [key.digest, key.digest] + frames(2) + frames(1))
      #expect(trace.commonWeight == World.shape.byteCount)
      #expect(trace.commonCost == 2.5)
      #expect(trace.requests.map(\.session).prefix(5) == [1, 1, 1, 1, 2])
    }
  }

  @Test("A trace that cannot be written is told of once, and the store goes on")
  func failure() throws {
    let disk = SimulatedDisk()
    var options = World.options(exactBlocks: 60)
    options.recordTrace = "/trace"
    let store = try World.store(options, in: nil, disk: disk)
    disk.fail(1, .full, isLasting: true)
    for _ in 0..<100 { for number in 0..<50 { try store.put(number) } }
    try store.close()
    let reports = store.takeReports()
    #expect(reports.map(\.kind) == [.traceFailed])
    #expect(reports.first?.message.hasPrefix("the trace is not recorded any further") == true)
    disk.heal()
    disk.fail(1, .failed)
    let error = #expect(throws: StoreError.self) {
      try World.store(options, in: nil, disk: disk)
    }
    #expect(error?.message.contains("name a file that can be written") == true)
  }
}
