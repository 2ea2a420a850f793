import Foundation
import TestSupport
import Testing

@Suite("spark eval")
struct EvaluationTests {
  static let items = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../EvaluationTests/Fixtures/recall.jsonl").standardized.path

  @Test("beams writes the same texts with every arm, and says how much likelier the found ones are")
  func beams() throws {
    let arguments = ["eval", "beams", "-n", "3", "-t", "1"]
    let trials = try SparkCommand.run(arguments + ["--json"]).jsonLines()
    let arms = ["greedy", "drawn", "2 beams", "4 beams", "8 beams", "4 beams, certain"]
    #expect(trials.count == 2 * 24 * arms.count)
    #expect(Set(trials.prefix(arms.count).compactMap { $0["arm"] as? String }) == Set(arms))
    #expect(trials.allSatisfy { ($0["log_probability"] as? Double ?? 1) < 0 })
    let table = try SparkCommand.run(arguments).text
    #expect(table.hasPrefix("| task "))
    for arm in arms { #expect(table.contains("| \(arm) ")) }
    // Nothing is likelier than itself.
    #expect(table.contains("0.000 [0.000, 0.000]"))
  }

  @Test("recall asks two items in two arms, as lines of JSON and as a table")
  func recall() throws {
    let arguments = [
      "eval", "recall", Self.items, "--items", "2", "--arms", "full,window", "--kinds",
      "pet,code,name",
      "--max-tokens", "8", "-t", "1",
    ]
    let json = try SparkCommand.run(arguments + ["--json"])
    #expect(json.status == 0, "\(json.errors)")
    let lines = try json.jsonLines()
    #expect(lines.first?["event"] as? String == "run")
    #expect((lines.first?["arms"] as? [[String: Any]])?.count == 2)
    let trials = lines.filter { $0["event"] as? String == "trial" }
    #expect(!trials.isEmpty)
    for pair in stride(from: 0, to: trials.count, by: 2) {
      #expect(trials[pair]["arm"] as? String == "full")
      #expect(trials[pair + 1]["arm"] as? String == "window")
      #expect(trials[pair]["question"] as? String == trials[pair + 1]["question"] as? String)
    }
    let cells = lines.filter {
      $0["event"] as? String == "cell" && $0["bucket"] as? String == "all"
    }
    #expect(
      cells.map { ($0["trials"] as? Int ?? 0) + ($0["skipped"] as? Int ?? 0) }.reduce(0, +)
        == trials.count)
    let table = try SparkCommand.run(arguments)
    #expect(table.text.hasPrefix("| distance | full "))
    #expect(table.errors.contains("of \(trials.count) trials in"))
  }

  @Test("recall across sessions compares a stranger with a model without memory")
  func crossSession() throws {
    let result = try SparkCommand.run([
      "eval", "recall", Self.items, "--items", "1", "--kinds", "pet", "--cross-session",
      "--max-tokens", "6", "-t", "1",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.text.contains("| none"))
    #expect(result.errors.contains("without memory, 0 differ"))
  }

  @Test("The synthetic tasks, perplexity and harm run on the embedded model")
  func others() throws {
    try withTemporaryDirectory { directory in
      let svg = directory.appending(path: "chart.svg").path
      let common = ["--arms", "window,cascade", "--window", "128", "-t", "1", "-q"]
      for arguments in [
        ["passkey", "--lengths", "300", "--depths", "0,100", "--items", "1", "--svg", svg],
        ["niah", "--lengths", "300", "--tasks", "s-1,vt", "--items", "1", "--sweep", "recall=0,2"],
        ["kv", "--lengths", "300", "--depths", "50", "--items", "1", "--pairs", "words"],
        ["ppl", Self.items, "-n", "400", "--stretch", "100", "--svg", svg],
        ["ppl", Self.items, "-n", "200", "--passages", "2"],
        ["harm", Self.items, Self.items, "--items", "1", "--length", "100"],
      ] {
        let result = try SparkCommand.run(["eval"] + arguments + common)
        #expect(result.status == 0, "\(arguments[0]): \(result.errors)")
        #expect(result.text.hasPrefix("| "), "\(arguments[0])")
        #expect(result.errors == "", "\(arguments[0])")
      }
      #expect(try String(contentsOfFile: svg, encoding: .utf8).hasPrefix("<svg "))
    }
  }

  @Test("retriever ranks blocks in every layer, as a table and as lines of JSON")
  func retriever() throws {
    let arguments = [
      "eval", "retriever", Self.items, "--items", "1", "--window", "128", "--blocks", "64", "-t",
      "1",
      "-q",
    ]
    let table = try SparkCommand.run(arguments)
    #expect(table.status == 0, "\(table.errors)")
    #expect(table.text.hasPrefix("dialogues, blocks of 64 tokens, 1 texts"))
    let lines = try SparkCommand.run(arguments + ["--json"]).jsonLines()
    // Three tasks, ten layers, twelve scorers; then each layer's figures and those of all.
    #expect(lines.count { $0["event"] as? String == "rank" } == 3 * 10 * 12)
    #expect(lines.count { $0["event"] as? String == "retriever" } == 3 * 11 * 12)
  }

  @Test("canary finds no leak, and says how many requests that means")
  func canary() throws {
    let result = try SparkCommand.run([
      "eval", "canary", "--requests", "4", "--namespaces", "2", "--secrets", "1", "-n", "8", "-t",
      "1", "--json",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let lines = try result.jsonLines()
    #expect(lines.last?["event"] as? String == "leaks")
    #expect(lines.last?["leaks"] as? Int == 0 && lines.last?["requests"] as? Int == 4)
    #expect(lines.count { $0["event"] as? String == "askers" } == 3)
  }

  @Test("session tells each turn and what they come to, and draws it")
  func session() throws {
    try withTemporaryDirectory { directory in
      let svg = directory.appending(path: "chart.svg").path
      let arguments = [
        "eval", "session", "--turns", "3", "--restart-every", "2", "-n", "4", "-t", "1", "-q",
      ]
      let result = try SparkCommand.run(arguments + ["--json", "--svg", svg])
      #expect(result.status == 0, "\(result.errors)")
      let lines = try result.jsonLines()
      #expect(lines.count == 4 && lines[3]["event"] as? String == "summary")
      #expect(lines.prefix(3).map { $0["is_after_restart"] as? Bool } == [false, false, true])
      #expect(try String(contentsOfFile: svg, encoding: .utf8).contains("new engine"))
      let table = try SparkCommand.run(arguments)
      #expect(table.text.contains("| after a restart | 1 "), "\(table.text)")
      let resumed = try SparkCommand.run([
        "eval", "session", "--against-cold", "--lengths", "64", "--rounds", "1", "--check", "8",
        "-t", "1", "-q",
      ])
      #expect(resumed.status == 0 && resumed.text.contains("1 of 1"), "\(resumed.errors)")
    }
  }

  @Test(
    "Wrong usage is told with status 64",
    arguments: [
      (["passkey", "--arms", "full,nothing"], "full,nothing"),
      (["passkey", "--lengths", "0"], "--lengths"),
      (["passkey", "--depths", "101"], "--depths"),
      (["passkey", "--sweep", "recall=2", "--arms", "full"], "--sweep"),
      (["recall", "x.jsonl", "--store", "/tmp/x"], "--cross-session"),
      (["recall", "x.jsonl", "--items", "0"], "--items"),
      (["ppl", "x.txt", "--passages", "2", "-n", "0"], "--passages"),
      (["retriever", "x.jsonl", "--items", "0"], "--items"),
      (["canary", "--namespaces", "1"], "--namespaces"),
      (["session", "--restart-every", "0"], "--restart-every"),
      (["session", "--against-cold", "--svg", "x"], "--svg"),
    ])
  func usage(arguments: [String], word: String) throws {
    let result = try SparkCommand.run(["eval"] + arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(word), "\(result.errors)")
  }

  @Test("A file that holds no dialogues is named, with the line")
  func badFile() throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "bad.jsonl")
      try Data("{\"history\": 1}\n".utf8).write(to: file)
      let result = try SparkCommand.run(["eval", "recall", file.path])
      #expect(result.status == 1)
      #expect(
        result.errors
          == "spark: \(file.path):1: not a JSON object with the texts history and answer.\n")
    }
  }

  @Test("An interrupted run tells what is done so far")
  func interrupted() throws {
    let result = try SparkCommand.run(
      [
        "eval", "passkey", "--json", "--lengths", "600", "--items", "50", "--arms", "window",
        "--window", "256", "-t", "1",
      ], untilWritten: 3000
    ) { process, _ in process.interrupt() }
    #expect(result.status == 130)
    let cells = result.text.split(separator: "\n").filter { $0.contains("\"event\":\"cell\"") }
    let cell = try #require(
      JSONSerialization.jsonObject(with: Data(cells.last!.utf8)) as? [String: Any])
    let trials = try #require(cell["trials"] as? Int)
    #expect(trials > 0 && trials < 550)
    #expect(result.errors.contains("interrupted"))
  }
}
