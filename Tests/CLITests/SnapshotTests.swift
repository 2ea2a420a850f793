import Foundation
import TestSupport
import Testing

@Suite("spark session export and import")
struct SnapshotTests {
  /// Calls `body` with a folder, and a function that runs a command on a store in it.
  private func withStores(
    _ body: (
      _ folder: URL,
      _ run: (_ store: String, _ arguments: [String], _ input: Data) throws -> SparkCommand.Result
    ) throws -> Void
  ) throws {
    try withTemporaryDirectory { directory in
      try body(directory) { store, arguments, input in
        try SparkCommand.run(
          arguments, input: input,
          environment: ["SPARK_STORE": directory.appending(path: store).path])
      }
    }
  }

  private static let chat = ["chat", "--session", "fox", "--temp", "0", "-n", "24", "--quiet"]
  private static let question = Data("What do foxes eat?\n".utf8)

  @Test("A session goes through files and pipes into other stores, and goes on there")
  func moving() throws {
    try withStores { folder, run in
      #expect(try run("home", Self.chat, Self.question).status == 0)
      let said = try run("home", ["session", "show", "fox"], Data()).text
      let file = folder.appending(path: "fox.spark").path
      let exported = try run(
        "home", ["session", "export", "fox", "--to", file, "--json"], Data())
      #expect(exported.status == 0, "\(exported.errors)")
      let record = try #require(try exported.jsonLines().first)
      #expect(record["form"] as? String == "exact" && record["turns"] as? Int == 2)
      #expect(record["blocks"] as? Int ?? 0 > 0 && record["blocks_left_out"] as? Int == 0)
      #expect(record["bytes"] as? Int == (try Data(contentsOf: URL(filePath: file)).count))
      #expect(record["megabytes_per_second"] as? Double ?? 0 > 0)

      let imported = try run("there", ["session", "import", file, "--as", "vixen"], Data())
      #expect(imported.status == 0, "\(imported.errors)")
      #expect(imported.text.contains("imported vixen as exact: 2 turns, keys and values of"))
      #expect(try run("there", ["session", "show", "vixen"], Data()).text == said)
      let goesOn = try run(
        "there", ["chat", "--session", "vixen", "-n", "8", "--verbose"],
        Data("And owls?\n".utf8))
      #expect(goesOn.status == 0 && goesOn.errors.contains("of them read before"))

      let piped = try run(
        "home", ["session", "export", "fox", "--to", "-", "--form", "packed"], Data())
      #expect(piped.status == 0 && piped.errors.contains("spark: exported fox as packed"))
      #expect(piped.output.starts(with: Data("SPARKSNP".utf8)))
      let taken = try run(
        "there", ["session", "import", "-", "--json", "--namespace", "work"], piped.output)
      #expect(taken.status == 0, "\(taken.errors)")
      #expect(try taken.jsonLines().first?["namespace"] as? String == "work")
      let list = try run("there", ["session", "list", "--json"], Data()).jsonLines()
      #expect(Set(list.compactMap { $0["name"] as? String }) == ["vixen", "fox"])
    }
  }

  @Test("What cannot be is refused in one sentence, and leaves nothing behind")
  func refusals() throws {
    try withStores { folder, run in
      #expect(try run("home", Self.chat, Self.question).status == 0)
      let file = folder.appending(path: "fox.spark").path
      let export = ["session", "export", "fox", "--to", file]
      #expect(try run("home", export, Data()).status == 0)
      let bytes = try Data(contentsOf: URL(filePath: file))
      var damaged = bytes
      damaged[bytes.count / 2] ^= 1
      var later = bytes
      later[8] = 2
      let cases: [([String], Data, Int32, String)] = [
        (export, Data(), 1, "--force"),
        (["session", "export", "fox", "--to", "/nonexistent/fox"], Data(), 1, "cannot be written"),
        (["session", "export", "none", "--to", file + "2"], Data(), 1, "no session none"),
        (["session", "export", "fox", "--block", "32", "--to", file + "2"], Data(), 1, "--block"),
        (["session", "export", "fox", "--force"], Data(), 64, "--to"),
        (["session", "export", "fox", "--form", "huge"], Data(), 64, "--form"),
        (["session", "import", file], Data(), 1, "--as"),
        (["session", "import", "/nonexistent"], Data(), 1, "cannot be read"),
        (["session", "import", "-", "--as", "a"], damaged, 1, "is damaged: at byte"),
        (["session", "import", "-", "--as", "a"], bytes.dropLast(), 1, "cut off"),
        (["session", "import", "-", "--as", "a"], Data("Hello.".utf8), 1, "no snapshot"),
        (["session", "import", "-", "--as", "a"], later, 1, "version 2"),
        (["session", "import", "-", "--as", "a\nb"], bytes, 1, "control characters"),
        (["session", "import", "", "--as", "a"], bytes, 64, "not empty"),
      ]
      for (arguments, input, status, words) in cases {
        let result = try run("home", arguments, input)
        #expect(result.status == status, "\(arguments): \(result.errors)")
        #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
        if status == 1 { #expect(result.errors.split(separator: "\n").count == 1) }
      }
      #expect(try run("home", export + ["--force"], Data()).status == 0)
      #expect(try Data(contentsOf: URL(filePath: file)) == bytes)
      let list = try run("home", ["session", "list", "--json"], Data()).jsonLines()
      #expect(list.count == 1)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(names) == ["home", "fox.spark"])
    }
  }

  @Test("A disk without room leaves no file")
  func fullDisk() throws {
    try withStores { folder, run in
      #expect(try run("home", Self.chat, Self.question).status == 0)
      let file = folder.appending(path: "fox.spark").path
      // Enough for the catalog's own files, and not for a block.
      let result = try SparkCommand.run(
        [
          "-c", "ulimit -f 120; exec \"$0\" session export fox --to \"$1\"",
          SparkCommand.executable.path, file,
        ], environment: ["SPARK_STORE": folder.appending(path: "home").path],
        executable: URL(filePath: "/bin/sh"))
      #expect(result.status == 1 && result.errors.contains("cannot be written"), "\(result)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["home"])
    }
  }

  @Test("A session is exported as it was committed while another process goes on with it")
  func inUse() throws {
    try withStores { folder, run in
      #expect(try run("home", Self.chat, Self.question).status == 0)
      let process = Process()
      let (input, errors) = (Pipe(), Pipe())
      process.executableURL = SparkCommand.executable
      process.arguments = ["chat", "--session", "fox"]
      process.environment = ProcessInfo.processInfo.environment
        .merging(["SPARK_STORE": folder.appending(path: "home").path]) { $1 }
      process.standardInput = input
      process.standardOutput = FileHandle.nullDevice
      process.standardError = errors
      try process.run()
      // Its greeting tells that it has the session.
      #expect(try errors.fileHandleForReading.read(upToCount: 1)?.count == 1)
      let result = try run("home", ["session", "export", "fox"], Data())
      #expect(result.status == 0, "\(result.errors)")
      try input.fileHandleForWriting.close()
      process.waitUntilExit()
      let imported = try run("there", ["session", "import", "-", "--json"], result.output)
      #expect(try imported.jsonLines().first?["turns"] as? Int == 2)
    }
  }
}
