import Cache
import TestSupport
import Testing

@Suite("Trace files")
struct TraceFileTests {
  private func parse(_ text: String, piece: Int = .max) throws -> Trace {
    var parser = TraceParser()
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      try parser.read(rest.prefix(piece))
      rest = rest.dropFirst(piece)
    }
    return try parser.finish(name: "chat")
  }

  @Test("What is written is read again, however the bytes come", arguments: [1, 7, 4096])
  func roundTrip(piece: Int) throws {
    let trace = Workload.chat.makeTrace(requests: 2000, seed: 4)
    let text = TraceFile.header + trace.requests.map(TraceFile.line).joined()
    #expect(try parse(text, piece: piece) == trace)
  }

  @Test("Comments, empty lines and a missing last line feed are fine")
  func lenient() throws {
    let trace = try parse("spark trace 1\n# a comment\n\n1 2 3.5\n1 2 0 9")
    #expect(
      trace.requests == [
        .init(key: 1, weight: 2, cost: 3.5), .init(key: 1, weight: 2, cost: 0, session: 9),
      ])
  }

  @Test(
    "A bad line is named by its number",
    arguments: [
      ("", 1, "not a trace file"), ("spark trace 2\n", 1, "not a trace file"),
      ("spark trace 1\n1 2\n", 2, "2 fields"), ("spark trace 1\n1 2 3 4 5\n", 2, "5 fields"),
      ("spark trace 1\n1 2 3\n\n-1 2 3\n", 4, "key"), ("spark trace 1\n1 0 3\n", 2, "weight"),
      ("spark trace 1\n1 99999999999999 3\n", 2, "weight"),
      ("spark trace 1\n1 2 nan\n", 2, "cost"), ("spark trace 1\n1 2 -1\n", 2, "cost"),
      ("spark trace 1\n1 2 inf\n", 2, "cost"), ("spark trace 1\n1 2 3 x\n", 2, "session"),
      ("spark trace 1\n1 2 3\n2 2 3\n1 4 3\n", 4, "line 2"),
      ("spark trace 1\n1  2 3\n", 2, "weight"),
    ])
  func bad(text: String, line: Int, word: String) {
    let error = #expect(throws: TraceFileError.self) { try parse(text) }
    #expect(error?.line == line)
    #expect(error?.description.contains(word) == true, "\(String(describing: error))")
  }

  @Test("A line without end is refused before it fills the memory")
  func endless() {
    var parser = TraceParser()
    let error = #expect(throws: TraceFileError.self) {
      try parser.read(Array("spark trace 1\n".utf8))
      for _ in 0..<100 { try parser.read([UInt8](repeating: 49, count: 1000)) }
    }
    #expect(error?.line == 2)
  }

  @Test("Damaged files are refused or read, and nothing worse", arguments: 1...200)
  func damaged(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let trace = Workload.sized.makeTrace(requests: 100, seed: seed)
    var bytes = Array((TraceFile.header + trace.requests.map(TraceFile.line).joined()).utf8)
    for _ in 0..<3 {
      let place = Int.random(in: bytes.indices, using: &random)
      bytes[place] = UInt8.random(in: 0...255, using: &random)
    }
    var parser = TraceParser()
    do throws(TraceFileError) {
      try parser.read(bytes)
      let read = try parser.finish(name: "damaged")
      #expect(read.requests.allSatisfy { $0.weight > 0 && $0.cost >= 0 })
    } catch {
      #expect((1...200).contains(error.line), "seed \(seed)")
    }
  }
}
