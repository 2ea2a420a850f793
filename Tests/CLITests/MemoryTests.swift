import Foundation
import TestSupport
import Testing

@Suite("spark remember and spark memory")
struct MemoryTests {
  private static let text =
    (1...9).map { "Visitor \($0) came to the lighthouse and asked for the way to the harbour.\n" }
    .joined() + "The cat of the keeper Alasdair Munro is called Pepper, and she is grey.\n"
    + (1...9).map { "Guest \($0) stayed for tea and told of the storm in the north.\n" }.joined()

  /// Calls `body` with a file, and a function that runs a command on a store beside it.
  private func withStore(
    _ body: (_ file: URL, _ run: ([String]) throws -> SparkCommand.Result) throws -> Void
  ) throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "notes.txt")
      try Data(Self.text.utf8).write(to: file)
      try body(file) { arguments in
        try SparkCommand.run(
          arguments, environment: ["SPARK_STORE": directory.appending(path: "store").path])
      }
    }
  }

  @Test("A document is read once, found, shown, recalled, forgotten and not recalled any more")
  func life() throws {
    try withStore { file, run in
      let first = try run(["remember", file.path])
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.text.isEmpty && first.errors.contains("tokens remembered"))
      #expect(try run(["remember", file.path]).errors.contains("known already"))

      let stats = try #require(try run(["memory", "stats", "--json"]).jsonLines().first)
      let namespaces = try #require(stats["namespaces"] as? [[String: Any]])
      #expect(namespaces.count == 1 && namespaces[0]["namespace"] as? String == "default")
      let passages = try #require(namespaces[0]["passages"] as? Int)
      #expect(passages > 3 && namespaces[0]["sessions"] as? Int == 1)
      let table = try run(["memory", "stats"])
      #expect(table.errors.isEmpty && table.text.hasPrefix("namespace"))
      #expect(try run(["memory", "stats", "--block", "32"]).errors.contains("\(passages) blocks"))

      let hits = try run(["memory", "search", "Alasdair Pepper", "--json"]).jsonLines()
      let hit = try #require(hits.first)
      let id = try #require(hit["id"] as? String)
      #expect(hit["session"] as? String == file.path && hit["place"] as? String == "disk")
      #expect((hit["text"] as? String)?.contains("Pepper") == true)
      let listed = try run(["memory", "search", "Alasdair Pepper", "--limit", "1"])
      #expect(listed.text.hasPrefix(id.prefix(12)) && listed.text.contains("Pepper"))
      #expect(listed.text.split(separator: "\n").count == 2)

      let shown = try run(["memory", "show", String(id.prefix(8))])
      #expect(shown.text == (hit["text"] as? String ?? "") + "\n")
      #expect(shown.errors.contains(id) && shown.errors.contains("before it"))

      let question = [
        "generate", "What is the cat of Alasdair Munro called?", "--chat", "--memory", "namespace",
        "--explain", "-n", "8", "--temp", "0",
      ]
      let told = try run(question)
      #expect(told.errors.contains("called Pepper"), "\(told.errors)")
      #expect(try run(["memory", "verify"]).text.contains(" 0 damaged"))

      let refused = try run(["memory", "forget", "--matching", "Pepper"])
      #expect(refused.status == 64 && refused.errors.contains("--yes"))
      let forgotten = try run(["memory", "forget", "--matching", "called Pepper", "--yes"])
      #expect(forgotten.status == 0 && forgotten.text.hasPrefix("forgot "), "\(forgotten.errors)")
      let asked = try run(question)
      #expect(!asked.errors.contains("called Pepper"))
      let all = try run(["memory", "forget", "--all-in-namespace", "--yes", "--json"])
      #expect(try #require(all.jsonLines().first?["passages"] as? Int) >= passages - 2)
      #expect(try run(["memory", "stats"]).text.hasPrefix("Nothing of this model"))
    }
  }

  @Test("A changed document replaces what was read of it, standard input has a name of its choice")
  func replacing() throws {
    try withStore { file, run in
      _ = try run(["remember", file.path, "--namespace", "mine"])
      try Data(Self.text.replacing("Pepper", with: "Ginger").utf8).write(to: file)
      let result = try run(["remember", file.path, "--namespace", "mine", "--json"])
      let record = try #require(result.jsonLines().first)
      #expect(try #require(record["replaced_passages"] as? Int) > 0)
      #expect(try #require(record["known_tokens"] as? Int) > 0)
      let found = try run(["memory", "search", "Pepper Ginger", "--namespace", "mine"])
      #expect(found.text.contains("Ginger") && !found.text.contains("Pepper"))
      let piped = try SparkCommand.run(
        [
          "remember", "-", "--session", "letter", "--store",
          file.deletingLastPathComponent().appending(path: "store").path,
        ], input: Data("Dear Rowena, the heather blooms.\n".utf8))
      #expect(piped.status == 0 && piped.errors.hasPrefix("spark: letter: "))
      let gone = try run(["memory", "forget", "--session", "letter", "--yes"])
      #expect(gone.text == "forgot 1 passage of the namespace default\n")
    }
  }

  @Test("An interrupted reading keeps what it has read and goes on from there")
  func interrupted() throws {
    try withTemporaryDirectory { directory in
      let (small, large) = (directory.appending(path: "a"), directory.appending(path: "b"))
      try Data("A short note.".utf8).write(to: small)
      try Data((1...20000).map { "Line \($0) of a long text. " }.joined().utf8).write(to: large)
      let store = directory.appending(path: "store").path
      let arguments = ["remember", small.path, large.path, "--json", "--store", store]
      let result = try SparkCommand.run(arguments, untilWritten: 1) { process, _ in
        usleep(1_000_000)
        process.interrupt()
      }
      #expect(result.status == 130)
      let record = try #require(result.jsonLines().last)
      #expect(record["is_interrupted"] as? Bool == true)
      let kept = try #require(record["remembered_tokens"] as? Int)
      let stats = try SparkCommand.run(["memory", "stats", "--json", "--store", store])
      let namespaces = try #require(stats.jsonLines().first?["namespaces"] as? [[String: Any]])
      let tokens = try #require(namespaces.first?["tokens"] as? Int)
      let short = try #require(result.jsonLines().first?["tokens"] as? Int)
      #expect(tokens == kept + short)
    }
  }

  @Test(
    "What two documents say becomes a concept, is found, shown, counted and forgotten with one of them"
  )
  func concepts() throws {
    try withStore { file, run in
      let other = file.deletingLastPathComponent().appending(path: "letter.txt")
      let letter =
        "Dear Rowena, the heather blooms.\n"
        + "The cat of the keeper Alasdair Munro is called Pepper, and she is grey.\n"
      try Data(letter.utf8).write(to: other)
      _ = try run(["remember", file.path, other.path])
      let made = try run(["memory", "consolidate"])
      #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
      #expect(made.text.hasPrefix("default: 1 concept of "), "\(made.text)")
      #expect(
        try run(["memory", "consolidate"]).text
          == "default: 1 concept, nothing new since the last time\n")
      let record = try #require(
        try run(["memory", "consolidate", "--json"]).jsonLines().first)
      #expect(record["concepts"] as? Int == 1 && record["is_unchanged"] as? Bool == true)

      let hits = try run(["memory", "search", "Alasdair Pepper", "--json"]).jsonLines()
      let hit = try #require(hits.first { $0["is_concept"] as? Bool == true })
      #expect((hit["text"] as? String)?.contains("Pepper") == true)
      #expect(try #require(hit["links"] as? [String]).count >= 2)
      let listed = try run(["memory", "search", "Alasdair Pepper"])
      #expect(listed.text.contains("  concept, ") && listed.text.contains("    of "))
      let id = try #require(hit["id"] as? String)
      #expect(try run(["memory", "show", id]).errors.contains("concept, "))
      let stats = try #require(try run(["memory", "stats", "--json"]).jsonLines().first)
      let namespace = try #require((stats["namespaces"] as? [[String: Any]])?.first)
      let semantic = try #require(namespace["semantic"] as? [String: Any])
      #expect(semantic["concepts"] as? Int == 1 && semantic["disk_bytes"] as? Int ?? 0 > 0)
      #expect(namespace["sessions"] as? Int == 2)
      #expect(try run(["memory", "verify"]).text.contains("1 concept among them"))

      let forgotten = try run(["memory", "forget", "--session", other.path, "--yes"])
      #expect(
        forgotten.text == "forgot 1 passage and 1 concept of the namespace default\n",
        "\(forgotten.text)")
      #expect(
        try run(["memory", "consolidate"]).text.hasPrefix("default: 0 concepts of "))
    }
  }

  @Test("Damage is named, with status 1, and mended by forgetting the passage and reading again")
  func damage() throws {
    try withStore { file, run in
      _ = try run(["remember", file.path])
      let segments = file.deletingLastPathComponent().appending(path: "store/segments")
      let name = try #require(
        FileManager.default.contentsOfDirectory(atPath: segments.path).first {
          $0.hasSuffix(".seg")
        })
      let path = segments.appending(path: name)
      var bytes = try Data(contentsOf: path)
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: path)
      let result = try run(["memory", "verify"])
      #expect(result.status == 1)
      #expect(result.text.contains("(session \(file.path), block "), "\(result.text)")
      #expect(result.text.contains(", 1 damaged\n") && result.errors.isEmpty)
      let damaged = try #require(
        try run(["memory", "verify", "--json"]).jsonLines().first?["damaged"] as? [[String: Any]])
      let id = try #require(damaged.first?["id"] as? String)
      #expect(try run(["memory", "forget", "--passage", id, "--yes"]).status == 0)
      #expect(try run(["remember", file.path]).errors.contains("tokens remembered"))
      #expect(try run(["memory", "verify"]).status == 0)
    }
  }

  @Test(
    "Every refusal is one sentence with its status",
    arguments: [
      (["memory", "stats", "--store", "/nonexistent"], 1, "/nonexistent holds no memory"),
      (["memory", "show", "12"], 1, "at least its first 6"),
      (["memory", "show", "1234567"], 1, "no passage in the namespace default"),
      (["memory", "forget", "--yes", "--session", "none"], 1, "no session"),
      (["memory", "forget", "--yes", "--matching", "none"], 1, "contains this text"),
      (["memory", "forget", "--yes", "--passage", "abcdef"], 1, "has the id abcdef"),
      (["memory", "forget", "--yes", "--all-in-namespace", "--namespace", "x"], 1, "nothing"),
      (["remember", "/nonexistent"], 1, "/nonexistent cannot be opened"),
      (["remember", "/dev/null"], 1, "/dev/null is empty"),
      (["memory", "forget", "--yes"], 64, "Give one of"),
      (["memory", "forget", "--yes", "--session", "a", "--matching", "b"], 64, "Give one of"),
      (["memory", "consolidate", "--store", "/nonexistent"], 1, "/nonexistent holds no memory"),
      (["memory", "consolidate", "--namespace", ""], 64, "--namespace"),
      (["memory", "search", "x", "--limit", "0"], 64, "--limit"),
      (["memory", "search", "x", "--namespace", ""], 64, "--namespace"),
      (["remember", "a", "b", "--session", "c"], 64, "--session"),
      (["remember", "a", "a"], 64, "once"),
    ])
  func refusals(arguments: [String], status: Int32, message: String) throws {
    try withStore { file, run in
      _ = try run(["remember", file.path])
      let result = try run(arguments)
      #expect(result.status == status, "\(result.errors)")
      #expect(result.errors.contains(message), "\(result.errors)")
      #expect(status == 64 || result.errors.filter(\.isNewline).count == 1)
      #expect(result.text.isEmpty)
    }
  }
}
