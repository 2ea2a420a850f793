import Foundation
import TestSupport
import Testing

@Suite("spark profile and --profile")
struct ProfileTests {
  private let modules = [
    "embedding", "norm", "qkv", "store_kv", "retrieval", "fetch", "attention", "attention_output",
    "gate_up", "activation", "down", "head", "sampling", "drafts", "eviction", "other",
  ]

  private func check(_ profile: [String: Any], phases: [String]) throws {
    #expect(profile["event"] as? String == "profile")
    let limits = try #require(profile["limits"] as? [String: Double])
    #expect(limits.count == 3 && limits.values.allSatisfy { $0 > 0 })
    let told = try #require(profile["phases"] as? [[String: Any]])
    #expect(told.map { $0["phase"] as? String } == phases)
    for phase in told {
      let parts = try #require(phase["modules"] as? [[String: Any]])
      #expect(parts.map { $0["module"] as? String } == modules)
      let sum = parts.reduce(0) { $0 + ($1["seconds"] as? Double ?? 0) }
      let whole = try #require(phase["seconds"] as? Double)
      #expect(abs(sum / whole - 1) < 0.05)
      #expect(modules.contains(try #require(phase["bottleneck"] as? String)))
      #expect(
        ["bandwidth", "compute", "neither"].contains(try #require(phase["bound"] as? String)))
    }
  }

  @Test("A profile tells each module's time, the bottleneck and the limits")
  func table() throws {
    let result = try SparkCommand.run(["profile", "-p", "40", "-n", "10", "-d", "20", "-t", "1"])
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    for fact in [
      "prefill: 40 tokens read in 1 pass", "decode: 10 tokens generated in 10 passes", "gate, up",
      "rope, store kv", "bottleneck: ", "limits with 1 threads", "GB/s", "GOPS",
    ] {
      #expect(result.text.contains(fact), "\(fact)")
    }
  }

  @Test("A profile as JSON has every module, also without prefill")
  func json() throws {
    let result = try SparkCommand.run(["profile", "-p", "0", "-n", "10", "--json", "-t", "1"])
    let lines = try result.jsonLines()
    #expect(lines.count == 1)
    try check(lines[0], phases: ["decode"])
  }

  @Test("--profile tells of a run behind its text, and changes nothing in it")
  func generate() throws {
    let arguments = ["generate", "Once upon a time", "-n", "12", "--seed", "7", "-t", "1"]
    let (plain, profiled) = (
      try SparkCommand.run(arguments), try SparkCommand.run(arguments + ["--profile"])
    )
    #expect(profiled.text == plain.text)
    #expect(!plain.errors.contains("bottleneck"))
    #expect(profiled.errors.contains("bottleneck") && profiled.errors.contains("tokens/s"))
    let quiet = try SparkCommand.run(arguments + ["--profile", "--quiet"])
    #expect(quiet.text == plain.text && quiet.errors.hasPrefix("prefill: "))
    let events = try SparkCommand.run(arguments + ["--profile", "--json"]).jsonLines()
    #expect(events[events.count - 2]["event"] as? String == "finished")
    try check(events[events.count - 1], phases: ["prefill", "decode"])
  }

  @Test("A batch and a chat tell theirs too")
  func others() throws {
    try withTemporaryDirectory { directory in
      let results = directory.appending(path: "results").path
      let batch = try SparkCommand.run(
        ["batch", "-o", results, "-n", "6", "--plain", "--profile", "-t", "1"],
        input: Data("One\nTwo\n".utf8))
      #expect(batch.status == 0 && batch.errors.contains("bottleneck"))
      // What is asked of a run is no part of what its results depend on.
      let again = try SparkCommand.run(
        ["batch", "-o", results, "-n", "6", "--plain", "-t", "1"], input: Data("One\nTwo\n".utf8))
      #expect(again.status == 0 && !again.errors.contains("bottleneck"))
      let chat = try SparkCommand.run(
        [
          "chat", "--store", directory.appending(path: "store").path, "-n", "6", "--profile",
          "--template", "chatml", "-t", "1",
        ], input: Data("Hello\n".utf8))
      #expect(chat.status == 0 && chat.errors.contains("bottleneck"))
    }
  }

  @Test("A trace is written beside the text, over what was there before")
  func trace() throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "trace.json")
      try Data(repeating: 0x20, count: 1 << 20).write(to: file)
      let result = try SparkCommand.run([
        "generate", "Once upon a time", "-n", "6", "--seed", "7", "-t", "1", "--trace", file.path,
      ])
      #expect(result.status == 0 && !result.errors.contains("bottleneck"))
      let object = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
      let trace = try #require(object as? [String: Any])
      let events = try #require(trace["traceEvents"] as? [[String: Any]])
      #expect(events.count { $0["cat"] as? String == "pass" } == 6)
    }
  }

  @Test("A trace that cannot be written is told before anything is computed")
  func unwritable() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "missing/trace.json").path
      for command in [["generate", "Once"], ["profile"], ["batch", "-o", "-"]] {
        let result = try SparkCommand.run(
          command + ["--trace", path], input: Data("Once\n".utf8))
        #expect(result.status == 1)
        #expect(result.text.isEmpty)
        #expect(result.errors == "spark: \(path) cannot be written: No such file or directory.\n")
      }
    }
  }

  @Test("A run that comes to nothing leaves no trace, and the one before as it was")
  func failure() throws {
    try withTemporaryDirectory { directory in
      let (new, old) = (directory.appending(path: "new"), directory.appending(path: "old"))
      try Data("before".utf8).write(to: old)
      for file in [new, old] {
        let result = try SparkCommand.run([
          "generate", "Once", "--model", "/nonexistent", "--trace", file.path,
        ])
        #expect(result.status == 1)
      }
      #expect(!FileManager.default.fileExists(atPath: new.path))
      #expect(try String(contentsOf: old, encoding: .utf8) == "before")
    }
  }

  @Test(
    "Wrong usage is refused",
    arguments: [
      (["profile", "--prompt-tokens", "-1"], "--prompt-tokens must not be negative."),
      (["profile", "-p", "0", "-n", "0"], "are both 0"),
      (["profile", "--depth", "-1"], "--depth must not be negative."),
      (["generate", "x", "--trace", "-"], "--trace names a file"),
    ])
  func usage(arguments: [String], message: String) throws {
    let result = try SparkCommand.run(arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(message))
  }

  @Test("Ctrl-C ends a run with its profile and its trace")
  func interrupted() throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "trace.json")
      let result = try SparkCommand.run(
        [
          "generate", "Once upon a time", "-n", "-1", "--ignore-eos", "--window", "100", "-t", "1",
          "--seed", "7", "--profile", "--trace", file.path,
        ], untilWritten: 100
      ) { process, _ in process.interrupt() }
      #expect(result.status == 130)
      #expect(result.errors.contains("bottleneck"))
      let object = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
      #expect((object as? [String: Any])?["traceEvents"] != nil)
    }
  }
}
