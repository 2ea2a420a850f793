import Foundation
import TestSupport
import Testing

@Suite("spark generate")
struct GenerateTests {
  private let common = ["--seed", "7", "-n", "12", "-t", "1"]

  private func generate(_ arguments: [String]) throws -> SparkCommand.Result {
    try SparkCommand.run(["generate"] + arguments + common)
  }

  private func generate(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) throws -> SparkCommand.Result {
    try SparkCommand.run(
      ["generate"] + arguments + common, input: Data(input.utf8), environment: environment)
  }

  @Test("Text alone goes to standard output, statistics to standard error")
  func streams() throws {
    let result = try generate("Once upon a time")
    #expect(result.status == 0)
    #expect(!result.text.isEmpty)
    #expect(!result.text.contains("tokens/s"))
    for fact in ["prompt", "tokens/s", "first token", "memory", "generated 12 tokens", "seed 7"] {
      #expect(result.errors.contains(fact))
    }
  }

  @Test("--quiet leaves standard error empty")
  func quiet() throws {
    #expect(try generate("Once upon a time", "--quiet").errors.isEmpty)
  }

  @Test("A seed repeats a text, another one changes it")
  func seeds() throws {
    let text = try generate("Once upon a time").text
    #expect(try generate("Once upon a time").text == text)
    let others = try (8...10).map {
      try SparkCommand.run(["generate", "Once upon a time", "--seed", "\($0)", "-n", "12"]).text
    }
    #expect(others.contains { $0 != text })
  }

  @Test("A prompt reads the same from an argument, a file and standard input")
  func promptSources() throws {
    let expected = try generate("The dog ran").text
    #expect(try generate(input: "The dog ran\n").text == expected)
    #expect(try generate("-", input: "The dog ran").text == expected)
    try withTemporaryDirectory { directory in
      let file = directory.appending(path: "prompt.txt")
      try Data("The dog ran\n".utf8).write(to: file)
      #expect(try generate("--file", file.path).text == expected)
    }
  }

  @Test("Standard input that is not text is refused")
  func binaryInput() throws {
    let result = try SparkCommand.run(["generate"] + common, input: Data([0x61, 0xff, 0xfe]))
    #expect(result.status == 1)
    #expect(result.errors == "spark: standard input is not UTF-8 text.\n")
  }

  @Test("JSON lines carry the same text and the statistics")
  func jsonLines() throws {
    let text = try generate("Once upon a time").text
    let result = try generate("Once upon a time", "--json", "--logprobs", "3")
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    let events = try result.jsonLines()
    let tokens = events.dropLast()
    #expect(tokens.count == 12)
    #expect(tokens.allSatisfy { $0["event"] as? String == "token" })
    #expect(tokens.compactMap { $0["text"] as? String }.joined() == text)
    for token in tokens {
      let logprob = try #require(token["logprob"] as? Double)
      #expect(logprob <= 0)
      #expect((token["top_logprobs"] as? [Any])?.count == 3)
    }
    let summary = try #require(events.last)
    #expect(summary["event"] as? String == "finished")
    #expect(summary["stop_reason"] as? String == "length")
    #expect(summary["generated_tokens"] as? Int == 12)
    #expect(summary["seed"] as? Int == 7)
    #expect(try #require(summary["prompt_tokens"] as? Int) > 0)
    #expect(try #require(summary["time_to_first_token_seconds"] as? Double) > 0)
    #expect(try #require(summary["peak_bytes"] as? Int) > 0)
  }

  @Test("A stop string ends the text and is not part of it")
  func stopString() throws {
    let whole = try generate("Once upon a time", "--temp", "0").text
    let stop = String(whole.dropFirst(whole.count / 2).prefix(3))
    let result = try generate("Once upon a time", "--temp", "0", "--stop", stop, "--json")
    let events = try result.jsonLines()
    let text = events.compactMap { $0["text"] as? String }.joined()
    #expect(!text.contains(stop))
    #expect(whole.hasPrefix(text + stop))
    #expect(events.last?["stop_reason"] as? String == "stop_string")
  }

  @Test("Guesses change no text, are counted, and can be left out")
  func drafts() throws {
    let prompt = String(repeating: "One, two, three, four, ", count: 3) + "one, two,"
    func run(_ drafts: String...) throws -> SparkCommand.Result {
      try generate([prompt, "--temp", "0"] + drafts)
    }
    let plain = try run("--drafts", "off")
    let drafted = try run("--drafts", "always")
    #expect(drafted.text == plain.text)
    #expect(drafted.errors.contains("guessed right"))
    #expect(!plain.errors.contains("guessed right"))
    let events = try run("--drafts", "always", "--draft-max", "3", "--json").jsonLines()
    let account = try #require(events.last?["drafts"] as? [String: Any])
    let (drafts, accepted) = (account["drafted"] as? Int, account["accepted"] as? Int)
    #expect(try #require(accepted) > 0 && accepted! <= drafts!)
    #expect(try #require(account["draft_passes"] as? Int) * 3 >= drafts!)
    let wrong = try run("--draft-max", "32")
    #expect(wrong.status == 64)
    #expect(wrong.errors.contains("--draft-max is 32; it must be between 1 and 31."))
  }

  @Test("Whoever computes guesses is counted, changes no text, and is refused where it cannot be")
  func computedDrafts() throws {
    let plain = try generate(["Once upon a time", "--temp", "0"])
    let model = Fixture.repositoryPath("models/spark-mini.gguf")
    for flags in [["--draft-exit", "auto"], ["--draft-exit", "5"], ["--draft-model", model]] {
      let drafted = try generate(
        ["Once upon a time", "--temp", "0", "--drafts", "always"] + flags)
      #expect(drafted.text == plain.text)
      #expect(
        drafted.errors.contains(flags[0] == "--draft-model" ? "by the draft model" : "by the first")
      )
    }
    let events = try generate(
      ["Once upon a time", "--json", "--drafts", "always", "--draft-model", model]
    ).jsonLines()
    let account = try #require(events.last?["drafts"] as? [String: Any])
    #expect(try #require(account["model_accepted"] as? Int) > 0)
    #expect(try #require(account["model_seconds"] as? Double) > 0)
    let wrong = try generate("Once", "--draft-exit", "10")
    #expect(wrong.status == 64 || wrong.status == 1)
    #expect(wrong.errors.contains("--draft-exit is 10; it must be auto or between 1 and 9"))
    #expect(try generate("Once", "--draft-model", "/nowhere.gguf").status == 1)
  }

  @Test("Layers are left out when that is asked for, and counted")
  func earlyExit() throws {
    let early = try generate("Once upon a time", "--early-exit", "0.3", "--json").jsonLines()
    #expect(try #require(early.last?["early_tokens"] as? Int) > 0)
    #expect(try #require(early.last?["skipped_layers"] as? Int) > 0)
    let usual = try generate("Once upon a time", "--temp", "0", "--early-exit", "-n", "40")
    #expect(usual.status == 0)
    let plain = try generate("Once upon a time", "--json").jsonLines()
    #expect(plain.last?["early_tokens"] as? Int == 0)
    #expect(try generate("Once", "--early-exit", "2").errors.contains("--early-exit is 2"))
  }

  @Test("A text that loops is told of, and ends by it where that is asked for")
  func quality() throws {
    func run(_ flags: String...) throws -> SparkCommand.Result {
      try SparkCommand.run(
        [
          "generate", "Once upon a time there was a little girl", "--temp", "0", "-n", "300",
          "--ignore-eos", "-t", "1", "--exact",
        ] + flags)
    }
    let told = try run()
    #expect(told.errors.contains("spark: quality: "))
    #expect(told.errors.contains("times in a loop, from token"))
    let events = try run("--stop-on", "collapse,loop", "--json").jsonLines()
    let summary = try #require(events.last)
    #expect(summary["stop_reason"] as? String == "degenerate")
    #expect(try #require(summary["generated_tokens"] as? Int) < 300)
    let finding = try #require((summary["quality"] as? [[String: Any]])?.first)
    #expect(finding["kind"] as? String == "loop")
    let numbers = ["first_token", "tokens", "period"].compactMap { finding[$0] as? Int }
    #expect(numbers.count == 3)
    #expect(try #require(summary["entropy"] as? Double) > 0)
    let wrong = try run("--stop-on", "loops")
    #expect(wrong.status == 64)
    #expect(wrong.errors.contains("--stop-on"))
  }

  @Test("What may be told again is counted, and nothing with --no-memo")
  func memo() throws {
    func counts(_ flags: String...) throws -> [Int?] {
      let events = try generate(["Once upon a time", "--json"] + flags).jsonLines()
      #expect(events.last?["replayed"] as? Bool == false)
      let memo = try #require(events.last?["memo"] as? [String: Any])
      return ["hits", "misses", "replies"].map { memo[$0] as? Int }
    }
    #expect(try counts() == [0, 1, 1])
    #expect(try counts("--no-memo") == [0, 0, 0])
    #expect(try generate("Once upon a time", "--verbose").errors.contains("spark: memo: 0 of 1"))
  }

  @Test("A chat turn is answered in the model's format, which does not show")
  func chat() throws {
    let result = try generate("Hello, how are you?", "--system", "You are kind.")
    #expect(result.status == 0)
    #expect(!result.text.contains("<|im_"))
    let raw = try generate("Hello, how are you?")
    #expect(raw.text != result.text)
  }

  @Test("A sliding window goes on past the model's context")
  func slidingWindow() throws {
    let result = try SparkCommand.run(
      [
        "generate", "Once upon a time", "--window", "64", "-n", "1100", "--ignore-eos", "--seed",
        "1",
        "--json",
      ])
    #expect(result.status == 0)
    #expect(try result.jsonLines().last?["generated_tokens"] as? Int == 1100)
  }

  @Test("A full output device is an error of one sentence")
  func fullDevice() throws {
    let result = try SparkCommand.run(
      ["-c", "exec \"$0\" generate x -n 4 > /dev/full", SparkCommand.executable.path],
      executable: URL(filePath: "/bin/sh"))
    #expect(result.status == 1)
    #expect(
      result.errors == "spark: standard output cannot be written: No space left on device.\n")
  }

  @Test("A reader that leaves ends the program quietly")
  func closedPipe() throws {
    let result = try SparkCommand.run(
      ["generate", "Once", "-n", "100000", "--window", "64", "--ignore-eos"], untilWritten: 8
    ) { _, output in try output.close() }
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
  }

  @Test("Ctrl-C ends the text cleanly, with its statistics and exit code 130")
  func interrupt() throws {
    let result = try SparkCommand.run(
      ["generate", "Once", "-n", "100000", "--window", "64", "--ignore-eos", "--seed", "3"],
      untilWritten: 8
    ) { process, _ in process.interrupt() }
    #expect(result.status == 130)
    #expect(result.errors.contains("interrupted"))
    #expect(result.errors.contains("seed 3"))
    #expect(String(validating: result.output, as: UTF8.self) != nil)
  }
}
