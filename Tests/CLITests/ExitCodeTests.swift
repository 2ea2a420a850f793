import Foundation
import TestSupport
import Testing

@Suite("Exit codes and messages")
struct ExitCodeTests {
  @Test(
    "Wrong usage exits with 64 and names the fault",
    arguments: [
      (["generate", "x", "--bogus"], "--bogus"),
      (["generate", "x", "--top-p", "1.5"], "--top-p is 1.5; it must be between 0 and 1."),
      (["generate", "x", "--temp", "warm"], "'warm'"),
      (["generate", "x", "--early-exit=high"], "--early-exit is high; it must be a probability"),
      (["generate", "x", "--early-exit="], "--early-exit is ; it must be a probability"),
      (["generate", "--early-exit", "0,8"], "--early-exit is 0,8; it must be a probability"),
      (["generate", "x", "--early-exit=7"], "--early-exit is 7"),
      (["eval", "early-exit", "x", "--thresholds", "0.5,0.x,0.7"], "'0.5,0.x,0.7'"),
      (["generate", "x", "--window", "0"], "--window"),
      (["generate", "x", "--window", "5000"], "--window is 5000"),
      (["generate", "x", "--context", "5000"], "--context is 5000"),
      (["generate", "x", "--block", "256"], "--block is 256"),
      (["generate", "x", "--logit-bias", "five"], "--logit-bias"),
      (["generate", "x", "--logprobs", "2"], "--json"),
      (["generate", "x", "--file", "y"], "not both"),
      (["detokenize", "one"], "whole numbers"),
      (["model", "logits", "m.gguf", "--output", "-"], "--ids or --prompt"),
      (["bench", "-r", "0"], "--repetitions"),
      (["tokenise", "x"], "tokenise"),
    ])
  func wrongUsage(arguments: [String], message: String) throws {
    let result = try SparkCommand.run(arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(message))
    #expect(result.text.isEmpty)
  }

  @Test(
    "A missing file exits with 1 and one sentence",
    arguments: [
      ["generate", "x", "--model", "/nonexistent/model.gguf"],
      ["generate", "--file", "/nonexistent/model.gguf"],
      ["tokenize", "x", "--model", "/nonexistent/model.gguf"],
      ["model", "show", "/nonexistent/model.gguf"],
      ["bench", "/nonexistent/model.gguf"],
    ])
  func missingFile(arguments: [String]) throws {
    let result = try SparkCommand.run(arguments)
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("spark: /nonexistent/model.gguf"))
    #expect(result.errors.filter(\.isNewline).count == 1)
    #expect(result.text.isEmpty)
  }

  @Test("A damaged model exits with 1 and one sentence", arguments: [3, 100, 5_000_000])
  func damagedModel(byteCount: Int) throws {
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "damaged.gguf")
      try Data(contentsOf: URL(filePath: SparkCommand.model)).prefix(byteCount).write(to: file)
      let result = try SparkCommand.run(["generate", "x", "--model", file.path])
      #expect(result.status == 1)
      #expect(result.errors.hasPrefix("spark: "))
      #expect(result.errors.contains("damaged.gguf"))
      #expect(result.errors.filter(\.isNewline).count == 1)
    }
  }

  @Test("Help and version exit with 0 and write to standard output")
  func helpAndVersion() throws {
    let help = try SparkCommand.run(["generate", "--help"])
    #expect(help.status == 0)
    #expect(help.text.contains("--top-p"))
    let version = try SparkCommand.run(["--version"])
    #expect(version.status == 0)
    #expect(version.text.hasPrefix("spark "))
    #expect(["scalar", "avx2", "avx512", "amx"].contains { version.text.contains("(\($0);") })
  }

  @Test("Without its model the program says what to name")
  func modelNotFound() throws {
    try withTemporaryDirectory { directory in
      let copy = try SparkCommand.copy(to: directory)
      let result = try SparkCommand.run(["tokenize", "x"], executable: copy)
      #expect(result.status == 1)
      #expect(result.errors.contains("--model"))
    }
  }

  @Test("An installed program finds its model in the prefix's share directory")
  func installedModel() throws {
    try withTemporaryDirectory { prefix in
      let (bin, models) = (
        prefix.appending(path: "bin"), prefix.appending(path: "share/spark/models")
      )
      for directory in [bin, models] {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      }
      let copy = try SparkCommand.copy(to: bin)
      try FileManager.default.createSymbolicLink(
        atPath: models.appending(path: "spark-mini.gguf").path,
        withDestinationPath: SparkCommand.model)
      let result = try SparkCommand.run(["tokenize", "--ids", "x"], executable: copy)
      #expect(result.status == 0)
      #expect(Int(result.text.dropLast()) != nil)
    }
  }
}
