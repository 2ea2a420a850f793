import Generation
import Testing

@Suite struct BatchJobTests {
  private func line(_ text: String) -> InputLine {
    InputLine(number: 1, bytes: Array(text.utf8), end: text.utf8.count + 1)
  }

  private func job(_ text: String) throws -> BatchJob { try BatchJob(line(text), as: .json) }

  /// Why the line is no job.
  private func fault(_ text: String) -> String? {
    do {
      _ = try BatchJob(line(text), as: .json)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `a prompt alone leaves everything else to the batch`() throws {
    let job = try job(#"{"prompt": "Once"}"#)
    #expect(job == BatchJob(.prompt("Once")))
    let base = GenerationOptions(maxTokens: 3, stopStrings: ["x"], seed: 5)
    #expect(job.options(over: base) == base)
  }

  @Test func `every key changes the option of its name`() throws {
    let job = try job(
      #"""
      {"id": "a", "prompt": "p", "system": "s", "namespace": "n", "priority": "urgent", "seed": 18446744073709551615,
       "max_tokens": -1, "stop": ["a", "b"], "ignore_eos": true, "temperature": 0.5, "top_k": 3, "top_p": 0.25,
       "min_p": 0.125, "typical_p": 0.5, "repeat_penalty": 1.5, "presence_penalty": 0.25, "frequency_penalty": 0.75}
      """#)
    #expect(job.id == .text("a") && job.system == "s" && job.priority == .urgent)
    let options = job.options(over: GenerationOptions(maxTokens: 3))
    #expect(options.maxTokens == nil && options.seed == .max && options.ignoresEndTokens)
    #expect(options.stopStrings == ["a", "b"] && options.memory.namespace == "n")
    #expect(
      options.sampling
        == SamplingOptions(
          temperature: 0.5, topK: 3, topP: 0.25, minP: 0.125, typicalP: 0.5,
          repetitionPenalty: 1.5, presencePenalty: 0.25, frequencyPenalty: 0.75))
  }

  @Test func `messages, an id that is a number, and one stop text are read`() throws {
    let job = try job(
      #"{"id": 7, "stop": "x", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}"#
    )
    #expect(job.id == .number(7) && job.stop == ["x"])
    #expect(job.content == .messages([.system("s"), .user("u")]))
  }

  @Test(arguments: [
    (#"{"promt": "x"}"#, #"the key "promt" is unknown"#),
    (#"{"prompt": "x", "max_tokens": "4"}"#, "max_tokens must be a whole number."),
    (#"{"prompt": "x", "max_tokens": -2}"#, "max_tokens must be -1 or more."),
    (#"{"prompt": "x", "temperature": "hot"}"#, "temperature must be a number."),
    (#"{"prompt": "x", "top_k": 1.5}"#, "top_k must be a whole number."),
    (#"{"prompt": "x", "max_tokens": 1e30}"#, "max_tokens must be a whole number."),
    (#"{"prompt": 1}"#, "prompt must be a text."),
    (#"{"prompt": "x", "stop": [1]}"#, "stop[0] must be a text."),
    (#"{"prompt": "x", "seed": -1}"#, "seed must be a whole number from 0"),
    (#"{"prompt": "x", "priority": "high"}"#, "background, normal, urgent"),
    (#"{"prompt": "x", "namespace": ""}"#, "namespace must not be empty."),
    (#"{"messages": [{"role": "robot", "content": "x"}]}"#, "messages[0].role"),
    (#"{"messages": [{"role": "user"}]}"#, "messages[0].content is missing."),
    (#"{"messages": []}"#, "messages is empty"),
    (#"{"messages": [{"role": "user", "content": "x"}], "system": "s"}"#, "system"),
    (#"{"prompt": "x", "messages": [{"role": "user", "content": "x"}]}"#, "give one of them"),
    ("{}", "neither a prompt nor messages"),
    ("[1]", "it is no JSON object."),
    (#"{"prompt": "x""#, "it is no JSON object."),
    (#"{"prompt": "x"} {}"#, "it is no JSON object."),
  ])
  func `what is no job is refused with a sentence that names the fault`(
    text: String, words: String
  ) throws {
    let fault = try #require(self.fault(text))
    #expect(fault.contains(words))
    #expect(fault.hasSuffix("."))
  }

  @Test func `a plain line is a prompt as it is, spaces and all`() throws {
    #expect(try BatchJob(line(" {x} "), as: .plain) == BatchJob(.prompt(" {x} ")))
  }

  @Test func `lines that are too long or no text are refused in either format`() {
    var long = line("abc")
    long.isTooLong = true
    for format in [BatchFormat.plain, .json] {
      #expect(throws: JobFault("it is longer than 3 bytes, the most that is read of one.")) {
        try BatchJob(long, as: format)
      }
      #expect(throws: JobFault("it is not UTF-8 text.")) {
        try BatchJob(InputLine(number: 1, bytes: [0x61, 0xff], end: 3), as: format)
      }
    }
  }

  @Test func `a brace makes a batch JSON`() {
    #expect(BatchFormat(firstLine: line(" \t{")) == .json)
    #expect(BatchFormat(firstLine: line("Once {")) == .plain)
  }

  @Test func `seeds differ from line to line and from base to base, and stay what they are`() {
    // A change here would have resumed batches say something else.
    #expect(BatchSeed.seed(base: 0, line: 1) == 3_886_858_653_415_212)
    var seeds: Set<UInt64> = []
    for base in [0, 1, 2, .max] as [UInt64] {
      for line in 1...1000 { seeds.insert(BatchSeed.seed(base: base, line: line)) }
    }
    // Neighbouring bases go through one sequence, a line apart.
    #expect(seeds.count > 1000 && seeds.allSatisfy { $0 < 1 << 53 })
    #expect(BatchSeed.seed(base: 1, line: 1) != BatchSeed.seed(base: 0, line: 1))
  }
}
