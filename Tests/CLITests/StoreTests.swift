import Foundation
import TestSupport
import Testing

@Suite("spark store")
struct StoreTests {
  /// Calls `body` with a store's folder, and a function that runs a command on it, with lines for its
  /// standard input.
  private func withStore(
    _ body: (
      _ store: String,
      _ run: (_ arguments: [String], _ lines: [String]) throws -> SparkCommand.Result
    ) throws -> Void
  ) throws {
    try withTemporaryDirectory { directory in
      let store = directory.appending(path: "store").path
      try body(store) { arguments, lines in
        try SparkCommand.run(
          arguments, input: Data(lines.map { $0 + "\n" }.joined().utf8),
          environment: ["SPARK_STORE": store])
      }
    }
  }

  private static let chat = ["chat", "--session", "fox", "--temp", "0", "-n", "24", "-q"]

  private static func change(_ path: String, at share: Double) throws {
    var bytes = try Data(contentsOf: URL(filePath: path))
    bytes[Int(Double(bytes.count) * share)] ^= 4
    try bytes.write(to: URL(filePath: path))
  }

  @Test("A store is told of, checked, mended and compacted, as a page and as JSON")
  func life() throws {
    try withStore { store, run in
      #expect(try run(Self.chat, ["What do foxes eat?", "And owls?"]).status == 0)
      #expect(try run(["session", "pin", "fox"], []).status == 0)
      let page = try run(["store", "stats"], [])
      #expect(page.status == 0 && page.errors.isEmpty)
      for word in ["budget", "pinned: fox", "episodic", "other models", store, "in f16"] {
        #expect(page.text.contains(word), "\(page.text)")
      }
      let stats = try run(["store", "stats", "--json", "--store-budget", "1.5G"], []).jsonLines()
      let figures = try #require(stats.first)
      #expect(figures["budget"] as? Int == 3 << 29 && figures["store"] as? String == store)
      let sessions = try #require(figures["sessions"] as? [String: Any])
      #expect(sessions["turns"] as? Int == 4)

      let clean = try run(["store", "check"], [])
      #expect(clean.status == 0 && clean.text.hasSuffix("1 session checked, no damage\n"))
      try Self.change("\(store)/segments/0000001.seg", at: 0.6)
      let found = try run(["store", "check"], [])
      #expect(found.status == 1 && found.text.hasPrefix("damage: passage "), "\(found.text)")
      #expect(found.errors.contains("--repair"))
      let mended = try run(["store", "check", "--repair", "--json"], [])
      let check = try #require(try mended.jsonLines().first)
      #expect(mended.status == 0 && check["damage_left"] as? Int == 0)
      #expect((check["repairs"] as? [String])?.isEmpty == false)
      let after = try run(["store", "check"], [])
      #expect(after.status == 0 && !after.text.contains("damage:"), "\(after.text)")

      let compacted = try run(["store", "compact", "--json"], [])
      let sizes = try #require(try compacted.jsonLines().first)
      #expect(compacted.status == 0 && (sizes["held"] as? [String]) == [])
      #expect(sizes["bytes_after"] as? Int ?? .max <= sizes["bytes_before"] as? Int ?? 0)
      // It goes on.
      #expect(try run(Self.chat, ["And bees?"]).status == 0)
    }
  }

  @Test("A catalog that is no database is kept, and the store goes on with another")
  func catalog() throws {
    try withStore { store, run in
      #expect(try run(Self.chat, ["What do foxes eat?"]).status == 0)
      let path = URL(filePath: store + "/catalog.sqlite")
      try Data(repeating: 7, count: 9000).write(to: path)
      for ending in ["-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: path.path + ending)
      }
      #expect(try run(["session", "list"], []).errors.contains("store check --repair"))
      let check = try run(["store", "check"], [])
      #expect(check.status == 1 && check.text.contains("not a database"))
      let mended = try run(["store", "check", "--repair"], [])
      #expect(mended.status == 0 && mended.text.contains("catalog.sqlite.damaged-"))
      let kept = try FileManager.default.contentsOfDirectory(atPath: store)
        .filter { $0.hasPrefix("catalog.sqlite.damaged-") }
      try #require(kept.count == 1)
      #expect(
        try Data(contentsOf: URL(filePath: "\(store)/\(kept[0])"))
          == Data(repeating: 7, count: 9000))
      #expect(try run(["store", "check"], []).status == 0)
      #expect(try run(Self.chat, ["What do foxes eat?"]).status == 0)
    }
  }

  @Test("A budget that pinned sessions fill is told with the reply, which ends well")
  func budget() throws {
    try withStore { store, run in
      let long = "Listen well: " + (1...30).map { "Fox \($0) went to the river. " }.joined()
      let budget = ["--store-budget", "1M"]
      #expect(try run(Self.chat + budget, [String(long.prefix(200))]).status == 0)
      #expect(try run(["session", "pin", "fox"], []).status == 0)
      let told = try run(
        ["chat", "--session", "owl", "--temp", "0", "-n", "24"] + budget, [long, long])
      #expect(told.status == 0 && !told.text.isEmpty)
      #expect(told.errors.contains("will not be remembered"), "\(told.errors)")
      #expect(told.errors.contains("unpin or delete sessions, or raise the disk budget"))
      #expect(!(try run(["store", "check"], []).text.contains("session fox")))
    }
  }

  @Test("A session that runs in another process is seen, and forgetting it is refused")
  func running() throws {
    try withStore { store, run in
      let process = Process()
      process.executableURL = SparkCommand.executable
      process.arguments = Self.chat
      process.environment = ProcessInfo.processInfo.environment
        .filter { !$0.key.hasPrefix("SPARK_") }.merging(["SPARK_STORE": store]) { $1 }
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      defer {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
      }
      try input.fileHandleForWriting.write(contentsOf: Data("What do foxes eat?\n".utf8))
      // It has begun to reply, so the session is its own.
      _ = try output.fileHandleForReading.read(upToCount: 1)
      let id = process.processIdentifier
      #expect(try run(["store", "stats"], []).text.contains("running: fox (process \(id))"))
      #expect(
        try run(["store", "check"], []).text.contains("session fox is in use by process \(id)"))
      for selection in [["--session", "fox"], ["--all-in-namespace"]] {
        let refused = try run(["memory", "forget", "--yes", "--include-pinned"] + selection, [])
        #expect(refused.status == 1 && refused.errors.contains("in use by process \(id)"))
      }
    }
  }

  @Test("Wrong usage exits with 64, a folder that is no store with 1 and makes none")
  func refusals() throws {
    try withStore { store, run in
      for (arguments, status, words) in [
        (["store", "stats"], 1, "is no store"), (["store", "check", "--repair"], 1, "is no store"),
        (["store", "compact"], 1, "is no store"),
        (["store", "stats", "--store", ""], 64, "--store must not be empty"),
        (["store", "stats", "--store-budget", "1000"], 64, "at least 1M"),
        (["store", "stats", "--store-budget", "2X"], 64, "2X"),
        (["store", "stats", "--store-budget", "-1G"], 64, "store-budget"),
        (["store", "stats", "--store-budget", "1e9"], 64, "1e9"),
        (["chat", "--store-budget", "G"], 64, "store-budget"),
      ] as [([String], Int32, String)] {
        let result = try run(arguments, [])
        #expect(result.status == status, "\(arguments): \(result.errors)")
        #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: store))
    }
  }
}
