import Foundation
import TestSupport
import Testing

@Suite("spark chat and spark session")
struct ChatTests {
  /// Calls `body` with a function that runs a command on a store, with lines for its standard input.
  private func withStore(
    _ body: (
      _ folder: URL, _ run: (_ arguments: [String], _ lines: [String]) throws -> SparkCommand.Result
    ) throws -> Void
  ) throws {
    try withTemporaryDirectory { directory in
      try body(directory) { arguments, lines in
        try SparkCommand.run(
          arguments, input: Data(lines.map { $0 + "\n" }.joined().utf8),
          environment: ["SPARK_STORE": directory.appending(path: "store").path])
      }
    }
  }

  private static let chat = ["chat", "--session", "fox", "--temp", "0", "-n", "24"]

  @Test("Lines are questions, replies are all that standard output has, and a later run goes on")
  func talking() throws {
    try withStore { _, run in
      let first = try run(Self.chat, ["What do foxes eat?", "", "And what do \\", "owls eat?"])
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.text.hasSuffix("\n") && !first.text.contains("spark:"))
      #expect(first.errors.contains("session fox of the namespace default, a new one"))
      let shown = try run(["session", "show", "fox", "--json"], []).jsonLines()
      #expect(shown[0]["turns"] as? Int == 4 && shown[0]["name"] as? String == "fox")
      #expect(
        shown.dropFirst().map { $0["role"] as? String } == [
          "user", "assistant", "user", "assistant",
        ])
      #expect(shown[3]["content"] as? String == "And what do \nowls eat?")
      let said = shown.filter { $0["role"] as? String == "assistant" }
        .map { ($0["content"] as? String ?? "") + "\n" }.joined()
      #expect(first.text == said)

      let long = "Listen well: " + (1...12).map { "Fox \($0) went to the river. " }.joined()
      _ = try run(Self.chat, [long])
      let second = try run(Self.chat + ["--verbose"], ["What do bees eat?"])
      #expect(second.errors.contains("6 turns so far"))
      #expect(second.errors.contains("of them read before"), "\(second.errors)")
      let quiet = try run(Self.chat + ["--quiet"], [])
      #expect(quiet.status == 0 && quiet.errors.isEmpty && quiet.text.isEmpty)
    }
  }

  @Test("A reply that goes wrong as named is ended there, and the chat goes on")
  func stopOn() throws {
    try withStore { _, run in
      let chat = ["chat", "--session", "loop", "-n", "200", "--logit-bias", "300+100", "--verbose"]
      let result = try run(chat + ["--stop-on", "loop"], ["Hello.", "And now?"])
      #expect(result.status == 0)
      #expect(result.text.split(separator: "\n").count == 2)
      #expect(result.errors.split(separator: "\n").count { $0.contains("64 tokens") } >= 2)
      #expect(!result.errors.contains("200 tokens"))
    }
  }

  @Test("Each command does what it says, tells it on standard error, and the chat goes on")
  func commands() throws {
    try withStore { folder, run in
      let notes = folder.appending(path: "notes.txt")
      try Data("The password of the storeroom is violet badger.\n".utf8).write(to: notes)
      let result = try run(
        Self.chat + ["--system", "You are kind."],
        [
          "/help", "/nonsense", "/recall", "/stats", "/regen", "/undo", "/system", "/memory",
          "/set temperature 2x", "/set top-p 3", "/set top-k 5", "/set", "/set nothing 1",
          "/read \(notes.path)", "/read /nonexistent", "/read", "What do foxes eat?", "/save",
          "/stats", "/regen", "/sessions", "/fork vixen", "/fork vixen", "/system Be brief.",
          "/memory", "/recall", "//slash", "/undo", "/forget violet badger", "/exit", "never said",
        ])
      #expect(result.status == 0)
      for words in [
        "/regen", "no command /nonsense", "no reply was made yet", "nothing was asked",
        "nothing was said in this session yet", "the model is told: You are kind.",
        "temperature is a number, not 2x", "top-p is 3.0; it must be", "top-k is 5 from now on",
        "  max-tokens 24\n", "/set takes a name and a value", "tokens remembered",
        "/nonexistent cannot be opened", "/read needs FILE", "saved already", "prompt ",
        "fox  ", "this is the session vixen", "has a session vixen already",
        "told so from now on", "the namespace default remembers", "are taken back",
        "forgot 1 passage",
      ] { #expect(result.errors.contains(words), "\(words) is not in \(result.errors)") }
      let replies = result.text
      #expect(!replies.isEmpty && !replies.contains("spark:"))

      let list = try run(["session", "list", "--json"], []).jsonLines()
      #expect(list.map { $0["name"] as? String } == ["vixen", "fox"])
      #expect(list[0]["forked_from"] as? String == "fox" && list[0]["turns"] as? Int == 2)
      let vixen = try run(["session", "show", "vixen"], [])
      #expect(vixen.text.hasPrefix("system: Be brief.\n\nuser: What do foxes eat?\n\nassistant: "))
      let fox = try run(["session", "show", "fox"], [])
      #expect(fox.text.hasPrefix("system: You are kind.\n"))
    }
  }

  @Test("A session is listed, renamed, pinned, forked and deleted with what memory has of it")
  func sessions() throws {
    try withStore { _, run in
      _ = try run(Self.chat, ["What do foxes eat?"])
      #expect(try run(["session", "list"], []).text.contains("default    fox      2"))
      #expect(try run(["session", "rename", "fox", "reynard"], []).status == 0)
      #expect(
        try run(["session", "fork", "reynard", "vixen"], []).text.contains("fork of reynard"))
      #expect(try run(["session", "pin", "reynard"], []).text.contains("pinned"))
      let refused = try run(["session", "delete", "reynard", "--yes"], [])
      #expect(refused.status == 1 && refused.errors.contains("pinned"))
      #expect(try run(["session", "unpin", "reynard"], []).status == 0)
      let deleted = try run(["session", "delete", "reynard", "--yes", "--json"], []).jsonLines()
      #expect(deleted[0]["turns"] as? Int == 2)
      #expect(try #require(deleted[0]["passages"] as? Int) > 0)
      let left = try run(["session", "list", "--json"], []).jsonLines()
      #expect(left.count == 1 && left[0]["name"] as? String == "vixen")
      #expect(left[0]["forked_from"] == nil)
      // Without a name and without a word nothing is left behind.
      #expect(try run(["chat"], []).status == 0)
      #expect(try run(["session", "list", "--json"], []).jsonLines().count == 1)
      #expect(try run(["chat", "-n", "4"], ["Hello."]).status == 0)
      let names = try run(["session", "list", "--json"], []).jsonLines()
        .compactMap { $0["name"] as? String }
      #expect(names.count == 2 && names[0].wholeMatch(of: /\d{4}-\d\d-\d\d-1/) != nil)
    }
  }

  @Test("Text that leaves the window is told of, once")
  func leaving() throws {
    try withStore { _, run in
      let question = String(
        repeating: "The fox went to the river and the owl flew away. ", count: 20)
      let result = try run(
        Self.chat + ["--window", "64", "--block", "32"], [question, "And then?", "And then?"])
      #expect(result.status == 0)
      #expect(
        result.errors.components(separatedBy: "has left the window of 64 tokens").count == 2,
        "\(result.errors)")
    }
  }

  @Test(
    "Every refusal is one sentence with its status",
    arguments: [
      (["session", "show", "none"], 1, "no session none"),
      (["session", "rename", "none", "other"], 1, "no session none"),
      (["session", "rename", "fox", "owl"], 1, "a session owl already"),
      (["session", "fork", "fox", "owl"], 1, "a session owl already"),
      (["session", "delete", "none", "--yes"], 1, "no session none"),
      (["session", "delete", "fox"], 64, "--yes"),
      (["session", "list", "--store", "/nonexistent"], 1, "/nonexistent holds no sessions"),
      (["session", "show", ""], 64, "not empty"),
      (["session", "list", "--namespace", ""], 64, "--namespace"),
      (["chat", "--session", ""], 64, "--session"),
      (["chat", "--top-p", "3"], 64, "--top-p"),
      (["chat", "--session", "fox", "--template", "zephyr"], 1, "zephyr"),
    ])
  func refusals(arguments: [String], status: Int32, message: String) throws {
    try withStore { _, run in
      for name in ["fox", "owl"] { _ = try run(["chat", "--session", name], ["/system Be kind."]) }
      let result = try run(arguments, [])
      #expect(result.status == status, "\(result.errors)")
      #expect(result.errors.contains(message), "\(result.errors)")
      #expect(status == 64 || result.errors.filter(\.isNewline).count == 1, "\(result.errors)")
      #expect(result.text.isEmpty)
    }
  }

  @Test("A session that another process holds is refused, and its holder named")
  func holding() throws {
    try withTemporaryDirectory { directory in
      let store = directory.appending(path: "store").path
      let first = try SparkCommand.run(
        ["chat", "--session", "fox", "--store", store], input: Data("Hello.\n".utf8))
      #expect(first.status == 0)
      let process = Process()
      process.executableURL = SparkCommand.executable
      process.arguments = ["chat", "--session", "fox", "--store", store]
      let (input, errors) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardError = errors
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      // Its greeting tells that it has the session.
      _ = try errors.fileHandleForReading.read(upToCount: 8)
      let second = try SparkCommand.run(["chat", "--session", "fox", "--store", store])
      #expect(second.status == 1)
      #expect(
        second.errors.contains("in use by process \(process.processIdentifier)"),
        "\(second.errors)")
      try input.fileHandleForWriting.close()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(try SparkCommand.run(["chat", "--session", "fox", "--store", store]).status == 0)
    }
  }
}
