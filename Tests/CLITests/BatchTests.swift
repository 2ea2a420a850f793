import Foundation
import Glibc
import TestSupport
import Testing

@Suite("spark batch")
struct BatchTests {
  /// A folder with a batch in it.
  private struct Job {
    let folder: URL
    var input: String { folder.appending(path: "prompts").path }
    var output: String { folder.appending(path: "results").path }

    func write(_ lines: [String]) throws {
      try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: input))
    }

    func run(_ options: String..., output: String? = nil) throws -> SparkCommand.Result {
      try SparkCommand.run(arguments(options, output: output))
    }

    func arguments(_ options: [String] = [], output: String? = nil) -> [String] {
      ["batch", input, "-o", output ?? self.output, "-n", "8", "-t", "1"] + options
    }

    /// The results' lines, as far as they are whole.
    var written: [String] {
      let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
      return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(
        String.init)
    }

    func results() throws -> [Entry] { try written.map(Entry.init) }
  }

  /// What is the same in every run of a result.
  private struct Entry: Equatable {
    var line: Int
    var id: String?
    var text: String?
    var seed: UInt64?
    var tokens: Int?
    var cached: Int?
    var error: String?

    init(_ line: String) throws {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      self.line = try #require(object["line"] as? Int)
      id = object["id"].map { "\($0)" }
      text = object["text"] as? String
      seed = object["seed"] as? UInt64
      tokens = object["generated_tokens"] as? Int
      cached = object["cached_tokens"] as? Int
      error = (object["error"] as? [String: Any])?["message"] as? String
    }

    static func == (one: Entry, other: Entry) -> Bool {
      (one.line, one.id, one.text) == (other.line, other.id, other.text)
        && (one.seed, one.tokens, one.error) == (other.seed, other.tokens, other.error)
    }
  }

  private func withJob<Result>(
    _ lines: [String], _ body: (Job) throws -> Result
  ) throws -> Result {
    try withTemporaryDirectory { folder in
      let job = Job(folder: folder)
      try job.write(lines)
      return try body(job)
    }
  }

  private static let words = ["fox", "dog", "tree", "river", "lamp", "boat", "girl", "king"]

  /// Prompts of a few words, no two alike.
  private func prompts(_ count: Int) -> [String] {
    var random = SeededGenerator(seed: 5)
    return (0..<count).map { number in
      let words = (0..<4).map { _ in Self.words.randomElement(using: &random)! }
      return #"{"id":\#(number),"prompt":"\#(words.joined(separator: " ")) \#(number)"}"#
    }
  }

  /// What the batch says when nothing happens to it, by line.
  private func undisturbed(_ job: Job, _ options: String...) throws -> [Entry] {
    let output = job.folder.appending(path: "undisturbed").path
    let result = try SparkCommand.run(job.arguments(options + ["--restart"], output: output))
    try #require(result.status == 0, "\(result.errors)")
    return try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
      .map { try Entry(String($0)) }.sorted { $0.line < $1.line }
  }

  // MARK: - Answers

  @Test("A prompt that was answered before is told again, and made again with --no-memo")
  func repeated() throws {
    try withJob([String](repeating: "The red fox", count: 4)) { job in
      let result = try job.run("--temp", "0", "--parallel", "1")
      #expect(result.status == 0)
      #expect(result.errors.contains("told again, as asked before: 3"))
      #expect(job.written.filter { $0.contains("\"replayed\":true") }.count == 3)
      let texts = Set(try job.results().map(\.text))
      #expect(texts.count == 1)
      let made = try job.run("--temp", "0", "--parallel", "1", "--no-memo", "--restart")
      #expect(!made.errors.contains("told again"))
      #expect(Set(try job.results().map(\.text)) == texts)
    }
  }

  @Test("What goes wrong in a text is told in its line, and counted; a median ends none")
  func quality() throws {
    try withJob(["Once upon a time there was a little girl"]) { job in
      let flags = ["--temp", "0", "-n", "300", "--ignore-eos", "--stop-on", "loop", "--exact"]
      let result = try SparkCommand.run(job.arguments() + flags)
      #expect(result.status == 0)
      #expect(result.errors.contains("went wrong, as the results say: 1"))
      let line = try #require(job.written.first)
      #expect(line.contains("\"stop_reason\":\"degenerate\"") && line.contains("\"kind\":\"loop\""))
      let refused = try job.run("--stop-on", "loop,endless")
      #expect(refused.status == 64 && refused.errors.contains("--stop-on endless"))
    }
  }

  @Test("Each prompt has one result, with its line, its id and the options it asks for")
  func answers() throws {
    try withJob([
      #"{"id": "first", "prompt": "Once upon a time", "max_tokens": 3}"#, "",
      #"{"id": 2, "messages": [{"role": "user", "content": "Hello"}], "seed": 9}"#,
    ]) { job in
      let result = try job.run()
      #expect(result.status == 0 && result.text.isEmpty)
      #expect(result.errors.contains("2 of 2 prompts done"))
      let results = try job.results().sorted { $0.line < $1.line }
      #expect(results.map(\.line) == [1, 3])
      #expect(results.map(\.id) == ["first", "2"])
      #expect(results[0].tokens == 3 && results[1].seed == 9)
    }
  }

  @Test("A result is what spark generate says with its seed, however many were answered beside it")
  func sameAsGenerate() throws {
    try withJob(["Once upon a time", "The dog ran", "A king and his fox"]) { job in
      let results = try undisturbed(job)
      for (prompt, result) in zip(
        ["Once upon a time", "The dog ran", "A king and his fox"], results)
      {
        let seed = try #require(result.seed)
        let said = try SparkCommand.run(
          ["generate", prompt, "--seed", "\(seed)", "-n", "8", "-t", "1", "--quiet"])
        #expect(said.text == result.text)
      }
      #expect(try undisturbed(job, "--parallel", "1") == results)
    }
  }

  @Test("Lines that are no prompts are told, counted, and do not stop the others")
  func badLines() throws {
    try withJob([#"{"prompt": "Once"}"#, #"{"promt": "x"}"#, "no json", #"{"prompt": "The"}"#]) {
      job in
      let result = try job.run()
      #expect(result.status == 1)
      #expect(result.errors.contains(#"line 2 is not answered: the key "promt" is unknown"#))
      #expect(result.errors.contains("4 of 4 prompts done, 2 of them not answered"))
      let errors = try job.results().filter { $0.error != nil }
      #expect(Set(errors.map(\.line)) == [2, 3])
      // They are done: the next time there is nothing to do, and still not all is well.
      let again = try job.run()
      #expect(again.status == 1)
      #expect(try job.results().count == 4)
      let strict = try job.run("--strict", "--restart", "--parallel", "1")
      #expect(strict.status == 1)
      #expect(strict.errors.contains("spark: line 2 of \(job.input): the key"))
    }
  }

  @Test("What cannot be text is refused by its line, and the rest is read on")
  func bytes() throws {
    try withTemporaryDirectory { folder in
      let job = Job(folder: folder)
      try (Data("Once\n".utf8) + Data([0x61, 0xff, 0x0a]) + Data("The dog".utf8)).write(
        to: URL(filePath: job.input))
      #expect(try job.run("--in-order").status == 1)
      let results = try job.results()
      #expect(results.map(\.line) == [1, 2, 3])
      #expect(results[1].error == "it is not UTF-8 text.")
    }
  }

  @Test("In order, results come in the order of the input")
  func inOrder() throws {
    // The first ones take longest.
    let lines = prompts(40).enumerated().map { number, line in
      "\(line.dropLast()),\"max_tokens\":\(40 - number),\"ignore_eos\":true}"
    }
    try withJob(lines) { job in
      let result = try job.run("--in-order")
      #expect(result.status == 0)
      #expect(try job.results().map(\.line) == Array(1...40))
      #expect(try undisturbed(job) == job.results())
    }
  }

  @Test("What prompts begin with in common is read once, and changes no text")
  func sharedBeginnings() throws {
    let beginning = (0..<150).map { Self.words[$0 % 8] }.joined(separator: " ")
    try withJob(prompts(12)) { job in
      let prefix = job.folder.appending(path: "prefix").path
      try Data(beginning.utf8).write(to: URL(filePath: prefix))
      let shared = try undisturbed(job, "--prefix-file", prefix)
      #expect(shared.allSatisfy { $0.cached! >= 128 })
      let alone = try undisturbed(
        job, "--prefix-file", prefix, "--memory", "none", "--parallel", "1")
      #expect(alone.allSatisfy { $0.cached == 0 })
      #expect(shared == alone)
    }
  }

  @Test("Results come while the input is still open")
  func pipe() throws {
    let process = try SparkProcess(["batch", "-o", "-", "-n", "4", "-t", "1"])
    process.say("Once upon a time")
    #expect(process.read(lines: 1, for: 60))
    process.say("The dog ran")
    #expect(process.read(lines: 2, for: 60))
    let result = process.end()
    #expect(result.status == 0)
    #expect(result.errors.contains("2 of 2 prompts done"))
    #expect(try result.jsonLines().map { $0["line"] as? Int } == [1, 2])
  }

  @Test("The figures can be had as JSON")
  func summary() throws {
    try withJob(prompts(3)) { job in
      let result = try job.run("--json")
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(result.errors.utf8)) as? [String: Any])
      #expect(object["done"] as? Int == 3 && object["total"] as? Int == 3)
      #expect(object["failed"] as? Int == 0 && object["is_interrupted"] as? Bool == false)
      #expect(try #require(object["generated_tokens"] as? Int) > 0)
    }
  }

  // MARK: - Going on

  @Test(
    "Killed at any moment and begun again, every prompt is done once, and says the same",
    arguments: [[], ["--in-order"]])
  func kills(options: [String]) throws {
    try withJob(prompts(60)) { job in
      let expected = try undisturbed(job)
      let seed: UInt64 = 11
      var random = SeededGenerator(seed: seed)
      for _ in 0..<3 {
        let process = try SparkProcess(job.arguments(options + ["--parallel", "4"]))
        // Some results on, but not all of them.
        let goal = job.written.count + Int.random(in: 1...15, using: &random)
        let end = ContinuousClock.now + .seconds(60)
        while job.written.count < goal, ContinuousClock.now < end { usleep(500) }
        usleep(UInt32.random(in: 0..<20_000, using: &random))
        _ = process.kill()
      }
      let last = try SparkCommand.run(job.arguments(options))
      #expect(last.status == 0, "seed \(seed): \(last.errors)")
      let results = try job.results()
      #expect(results.sorted { $0.line < $1.line } == expected, "seed \(seed)")
      if !options.isEmpty { #expect(results.map(\.line) == Array(1...60), "seed \(seed)") }
    }
  }

  @Test("A result that was cut off, or whose bytes are zeros, is made again")
  func tornLine() throws {
    try withJob(prompts(6)) { job in
      let expected = try undisturbed(job)
      #expect(try job.run().status == 0)
      let whole = try Data(contentsOf: URL(filePath: job.output))
      for (lost, zeros) in [(1, 0), (40, 0), (200, 90), (600, 600), (whole.count, 0)] {
        try (whole.prefix(max(0, whole.count - lost)) + Data(count: zeros)).write(
          to: URL(filePath: job.output))
        #expect(try job.run().status == 0)
        #expect(try job.results().sorted { $0.line < $1.line } == expected)
      }
    }
  }

  @Test("A full disk ends the run with whole results, from which the next one goes on")
  func fullDisk() throws {
    try withJob(prompts(30)) { job in
      let expected = try undisturbed(job)
      let limited = try SparkCommand.run(
        ["-c", "ulimit -f 8; exec \"$0\" \"$@\"", SparkCommand.executable.path] + job.arguments(),
        executable: URL(filePath: "/bin/sh"))
      #expect(limited.status == 1)
      #expect(limited.errors.contains("spark: \(job.output) cannot be written: File too large."))
      let kept = try job.results().count
      #expect(kept > 0 && kept < 30)
      #expect(try Data(contentsOf: URL(filePath: job.output)).last == UInt8(ascii: "\n"))
      #expect(try job.run().status == 0)
      #expect(try job.results().sorted { $0.line < $1.line } == expected)
    }
  }

  @Test("Ctrl-C ends the run with exit code 130, and the same command goes on")
  func interrupt() throws {
    try withJob(prompts(60)) { job in
      let expected = try undisturbed(job)
      let process = try SparkProcess(job.arguments(["--parallel", "2"]))
      let end = ContinuousClock.now + .seconds(60)
      while job.written.count < 3, ContinuousClock.now < end { usleep(500) }
      kill(process.identifier, SIGINT)
      let result = process.end()
      #expect(result.status == 130)
      #expect(result.errors.contains("interrupted: "))
      #expect(result.errors.contains("the same command goes on from here"))
      #expect(job.written.count < 60)
      #expect(try job.run().status == 0)
      #expect(try job.results().sorted { $0.line < $1.line } == expected)
    }
  }

  @Test("Ctrl-C ends a run that waits for input")
  func interruptWaiting() throws {
    let process = try SparkProcess(["batch", "-o", "-", "-n", "4", "-t", "1"])
    process.say("Once")
    #expect(process.read(lines: 1, for: 60))
    kill(process.identifier, SIGINT)
    // Its input stays open meanwhile.
    process.read(for: 60)
    #expect(process.end().status == 130)
  }

  @Test("Another input, other options or fewer lines are refused, unless they are meant")
  func changes() throws {
    try withJob(prompts(4)) { job in
      #expect(try job.run().status == 0)
      let before = job.written
      let option = try job.run("--temp", "0")
      #expect(option.status == 1)
      #expect(option.errors.contains("line 1 of \(job.input) is not what its result was made of"))
      try job.write(prompts(3) + [#"{"prompt":"new"}"#])
      let line = try job.run()
      #expect(line.status == 1)
      #expect(line.errors.contains("line 4 of \(job.input)"))
      try job.write(prompts(2))
      let fewer = try job.run()
      #expect(fewer.status == 1)
      #expect(fewer.errors.contains("results of 2 lines that \(job.input) does not have"))
      #expect(job.written == before)

      try job.write(prompts(3) + [#"{"prompt":"new"}"#, #"{"prompt":"newer"}"#])
      #expect(try job.run("--force").status == 0)
      #expect(Array(job.written.prefix(4)) == before && job.written.count == 5)
      #expect(try job.run("--restart").status == 0)
      #expect(try job.results().sorted { $0.line < $1.line } == undisturbed(job))
    }
  }

  @Test("Prompts that were not answered are tried again where that is asked for")
  func retryFailed() throws {
    try withJob([#"{"prompt": "a"}"#, #"{"promt": "b"}"#, #"{"prompt": "c"}"#, "{"]) { job in
      #expect(try job.run().status == 1)
      let before = try job.results().filter { $0.error == nil }
      try job.write([#"{"prompt": "a"}"#, #"{"prompt": "b"}"#, #"{"prompt": "c"}"#, "{"])
      let result = try job.run("--retry-failed")
      #expect(result.status == 1)
      #expect(
        result.errors.contains("4 of 4 prompts done, 1 of them not answered, 2 in runs before"))
      let results = try job.results()
      #expect(Array(results.prefix(2)) == before)
      #expect(results.map(\.line).sorted() == [1, 2, 3, 4])
      #expect(results.filter { $0.error != nil }.map(\.line) == [4])
      let files = try FileManager.default.contentsOfDirectory(atPath: job.folder.path)
      #expect(files.sorted() == ["prompts", "results"])
    }
  }

  @Test("More lines at the end are simply done")
  func growingInput() throws {
    try withJob(prompts(3)) { job in
      #expect(try job.run().status == 0)
      try job.write(prompts(5))
      let result = try job.run()
      #expect(result.errors.contains("5 of 5 prompts done, 3 in runs before"))
      #expect(try job.results().map(\.line).sorted() == Array(1...5))
    }
  }

  @Test("Results that are not in order are not gone on with in order")
  func mixedOrder() throws {
    try withJob(prompts(5)) { job in
      #expect(try job.run("--in-order").status == 0)
      let lines = job.written
      try Data((lines[0] + "\n" + lines[3] + "\n").utf8).write(to: URL(filePath: job.output))
      let refused = try job.run("--in-order")
      #expect(refused.status == 1)
      #expect(refused.errors.contains("not in order"))
      #expect(try job.run().status == 0)
      #expect(try job.results().map(\.line).sorted() == Array(1...5))
    }
  }

  @Test("A file that is something else is left as it is")
  func otherFile() throws {
    try withJob(["Once"]) { job in
      try Data("dear diary\n".utf8).write(to: URL(filePath: job.output))
      let result = try job.run()
      #expect(result.status == 1)
      #expect(result.errors.contains("\(job.output), line 1, is no result of a batch"))
      #expect(job.written == ["dear diary"])
      let same = try job.run(output: job.input)
      #expect(same.status == 1)
      #expect(same.errors.contains("is the input as well"))
    }
  }

  @Test(
    "A file that is no batch's is refused and stays as it is, whatever it holds",
    arguments: ["GGUF\u{3}\0\0\0tensors", "a text without an end of line", #"{"prompt":"Once"}"#])
  func foreignBytes(text: String) throws {
    try withJob(["Once"]) { job in
      try Data(text.utf8).write(to: URL(filePath: job.output))
      for options in [[], ["--retry-failed"]] {
        let result = try SparkCommand.run(job.arguments(options))
        #expect(result.status == 1)
        #expect(
          result.errors.hasPrefix("spark: \(job.output), line 1, is no result of a batch"))
        #expect(try Data(contentsOf: URL(filePath: job.output)) == Data(text.utf8))
      }
    }
  }

  @Test(
    "A run that turns out to be impossible leaves the results as they are",
    arguments: ["--restart", "--retry-failed"])
  func nothingBeforeChecks(option: String) throws {
    try withJob([#"{"prompt": "a"}"#, #"{"promt": "b"}"#]) { job in
      #expect(try job.run().status == 1)
      let before = try Data(contentsOf: URL(filePath: job.output))
      let noModel = try job.run(option, "--model", "/nonexistent/model.gguf")
      #expect(noModel.status == 1 && noModel.errors.contains("/nonexistent/model.gguf"))
      #expect(try Data(contentsOf: URL(filePath: job.output)) == before)
      guard option == "--retry-failed" else { return }
      let changed = try job.run(option, "--temp", "0")
      #expect(changed.status == 1 && changed.errors.contains("is not what its result was made of"))
      #expect(try Data(contentsOf: URL(filePath: job.output)) == before)
    }
  }

  @Test("Taking failures out follows a link, keeps permissions, and touches no other file")
  func retryFailedInPlace() throws {
    try withJob([#"{"prompt": "a"}"#, #"{"promt": "b"}"#]) { job in
      let files = FileManager.default
      let real = job.folder.appending(path: "real").path
      #expect(try job.run(output: real).status == 1)
      try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: real)
      try files.createSymbolicLink(atPath: job.output, withDestinationPath: real)
      for path in [job.output, real] {
        try Data("mine".utf8).write(to: URL(filePath: "\(path).new"))
      }
      let result = try job.run("--retry-failed")
      #expect(result.status == 1 && result.errors.contains("1 in runs before"))
      #expect(try files.destinationOfSymbolicLink(atPath: job.output) == real)
      #expect(try files.attributesOfItem(atPath: real)[.posixPermissions] as? Int == 0o600)
      for path in [job.output, real] {
        #expect(try Data(contentsOf: URL(filePath: "\(path).new")) == Data("mine".utf8))
      }
      #expect(try job.results().map(\.line).sorted() == [1, 2])
      let names = try files.contentsOfDirectory(atPath: job.folder.path)
      #expect(names.sorted() == ["prompts", "real", "real.new", "results", "results.new"])
    }
  }

  @Test("A byte order mark before JSON lines changes nothing, and is no part of a digest")
  func byteOrderMark() throws {
    try withJob(["\u{feff}{\"prompt\": \"Once\"}", #"{"prompt": "The"}"#]) { job in
      #expect(try job.run().status == 0)
      let before = job.written
      try job.write([#"{"prompt": "Once"}"#, #"{"prompt": "The"}"#])
      let again = try job.run()
      #expect(again.status == 0 && again.errors.contains("2 of 2 prompts done, 2 in runs before"))
      #expect(job.written == before)
    }
  }

  @Test("The result of a line that is no job has its id, where that can be read")
  func faultyIDs() throws {
    try withJob([
      #"{"id": "a", "promt": "x"}"#, #"{"id": 7, "prompt": "x", "seed": -1}"#,
      #"{"id": [1], "prompt": "x"}"#, #"{"id": "b""#,
    ]) { job in
      #expect(try job.run().status == 1)
      let results = try job.results().sorted { $0.line < $1.line }
      #expect(results.map(\.id) == ["a", "7", nil, nil])
      #expect(results.allSatisfy { $0.error != nil })
    }
  }

  @Test("A search's best texts are in its result where more than one was asked for")
  func nbest() throws {
    try withJob(["Once upon a time"]) { job in
      #expect(try job.run("--beams", "3", "--nbest", "2").status == 0)
      let line = try #require(job.written.first)
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let best = try #require(object["nbest"] as? [[String: Any]])
      #expect(best.count == 2)
      #expect(best[0]["text"] as? String == object["text"] as? String)
      let scores = best.compactMap { $0["score"] as? Double }
      #expect(scores.count == 2 && scores[0] >= scores[1])
      #expect(try job.run("--beams", "3", "--restart").status == 0)
      #expect(job.written.first?.contains("nbest") == false)
    }
  }

  @Test("A second process that writes to the same file is refused")
  func twoProcesses() throws {
    try withJob(["Once"]) { job in
      let first = try SparkProcess(["batch", "-o", job.output, "-n", "4", "-t", "1"])
      first.say("The dog ran")
      let end = ContinuousClock.now + .seconds(60)
      while job.written.isEmpty, ContinuousClock.now < end { usleep(1000) }
      let second = try job.run()
      #expect(second.status == 1)
      #expect(second.errors.contains("another process is writing its results to \(job.output)"))
      #expect(first.end().status == 0)
      #expect(job.written.count == 1)
    }
  }

  // MARK: - Ends

  @Test("A reader of results that leaves ends the program quietly")
  func closedPipe() throws {
    try withJob(prompts(200)) { job in
      let result = try SparkCommand.run(job.arguments(output: "-"), untilWritten: 8) { _, output in
        try output.close()
      }
      #expect(result.status == 0)
      #expect(result.errors.isEmpty)
    }
  }

  @Test(
    "Wrong usage exits with 64 and names the fault",
    arguments: [
      (["batch", "x"], "--output"),
      (["batch", "x", "-o", "y", "--parallel", "0"], "--parallel"),
      (["batch", "x", "-o", "y", "--retries", "-1"], "--retries"),
      (["batch", "x", "-o", "y", "--restart", "--force"], "take one"),
      (["batch", "x", "-o", "-", "--restart"], "--restart"),
      (["batch", "x", "-o", "y", "--retry-failed", "--in-order"], "leave --in-order out"),
      (["batch", "x", "-o", "y", "--top-p", "2"], "--top-p"),
    ])
  func wrongUsage(arguments: [String], words: String) throws {
    let result = try SparkCommand.run(arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(words))
  }

  @Test("A missing input is an error of one sentence, and makes no output")
  func missingInput() throws {
    try withTemporaryDirectory { folder in
      let job = Job(folder: folder)
      let result = try job.run()
      #expect(result.status == 1)
      #expect(result.errors == "spark: \(job.input) cannot be opened: No such file or directory.\n")
      #expect(!FileManager.default.fileExists(atPath: job.output))
    }
  }
}
