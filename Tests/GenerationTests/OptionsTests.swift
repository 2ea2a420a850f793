import Generation
import Testing

@Suite struct OptionsTests {
  @Test func `the defaults are valid`() throws {
    try GenerationOptions().validate()
    try SamplingOptions.greedy.validate()
    try SamplingOptions.unmodified.validate()
    #expect(GenerationOptions().maxTokens == 512)
  }

  @Test func `an error says which option, what value and what is allowed`() {
    #expect(throws: OptionsError(option: "topP", value: "1.5", allowed: "between 0 and 1")) {
      try SamplingOptions(topP: 1.5).validate()
    }
    let error = OptionsError(option: "topP", value: "1.5", allowed: "between 0 and 1")
    #expect(error.description == "topP is 1.5; it must be between 0 and 1.")
  }

  @Test(arguments: [
    ("temperature", SamplingOptions(temperature: -0.1)),
    ("temperature", SamplingOptions(temperature: .infinity)),
    ("topK", SamplingOptions(topK: -1)),
    ("topP", SamplingOptions(topP: .nan)),
    ("minP", SamplingOptions(minP: -0.5)),
    ("typicalP", SamplingOptions(typicalP: 2)),
    ("topNSigma", SamplingOptions(topNSigma: .nan)),
    ("xtcProbability", SamplingOptions(xtcProbability: 1.1)),
    ("xtcThreshold", SamplingOptions(xtcThreshold: -1)),
    ("repetitionPenalty", SamplingOptions(repetitionPenalty: 0)),
    ("repetitionWindow", SamplingOptions(repetitionWindow: -2)),
    ("presencePenalty", SamplingOptions(presencePenalty: .nan)),
    ("frequencyPenalty", SamplingOptions(frequencyPenalty: .infinity)),
    ("dryMultiplier", SamplingOptions(dryMultiplier: -1)),
    ("dryBase", SamplingOptions(dryBase: 0.5)),
    ("dryAllowedLength", SamplingOptions(dryAllowedLength: 0)),
    ("dryPenaltyLastN", SamplingOptions(dryPenaltyLastN: -7)),
    ("drySequenceBreakers", SamplingOptions(drySequenceBreakers: ["x", ""])),
    ("logitBias", SamplingOptions(logitBias: [-1: 1])),
    ("logitBias[3]", SamplingOptions(logitBias: [3: .infinity])),
    ("minKeep", SamplingOptions(minKeep: 0)),
  ])
  func `an option outside its range is named`(name: String, options: SamplingOptions) throws {
    let error = try #require(throws: OptionsError.self) {
      try GenerationOptions(sampling: options).validate()
    }
    #expect(error.option == name)
  }

  @Test func `a bias beyond the vocabulary is refused once it is known`() throws {
    let options = SamplingOptions(logitBias: [100: 1])
    try options.validate()
    try options.validate(vocabularySize: 101)
    let error = try #require(throws: OptionsError.self) {
      try options.validate(vocabularySize: 100)
    }
    #expect(
      error.description
        == "logitBias is for token 100; it must be for a token between 0 and 99.")
  }

  @Test func `stop strings and logprobs have ranges too`() {
    #expect(throws: OptionsError.self) { try GenerationOptions(stopStrings: [""]).validate() }
    #expect(throws: OptionsError.self) { try GenerationOptions(logprobs: -1).validate() }
    #expect(throws: OptionsError.self) { try GenerationOptions(logprobs: 101).validate() }
  }
}
