import ArgumentParser
import Generation

/// `spark generate`: streams a continuation or a reply to standard output.
struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Stream text that continues a prompt, or answers it.",
    discussion: """
      The text goes to standard output as it is made, the statistics to standard error. The model \
      continues the prompt unless --chat makes it one turn of a chat, in the format the model was \
      trained with. Ctrl-C ends the text cleanly, a second one at once.
      """)

  @OptionGroup(title: "Prompt") var prompt: PromptOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineFlags
  @OptionGroup(title: "Memory") var memory: MemoryFlags
  @OptionGroup(title: "Length") var length: LengthFlags
  @OptionGroup(title: "Sampling") var sampling: SamplingFlags
  @OptionGroup(title: "Drafts") var drafts: DraftFlags
  @OptionGroup(title: "Heat") var thermal: ThermalFlags
  @OptionGroup(title: "Output") var output: OutputFlags

  func validate() throws {
    try require(
      output.logprobs == 0 || output.json, "--logprobs needs --json, which has a place for them.")
    try generationOptions.validateUsage()
  }

  func run() async throws {
    var engineOptions =
      memory.memory == .namespace ? try engine.options(remembering: model) : engine.options
    engineOptions.thermal = thermal.options
    memory.apply(to: &engineOptions)
    var options = generationOptions
    options.memory = memory.options(for: engineOptions)
    let request = try Request(
      modelPath: model.path(), engineOptions: engineOptions, prompt: prompt.prompt(),
      template: prompt.template?.template, options: options)
    let reporter = Reporter(flags: output)
    let summary = try await Interruption.cancels { try await request.run(reporting: reporter) }
    if summary.stopReason == .cancelled { throw ExitCode(Interruption.exitCode) }
  }

  private var generationOptions: GenerationOptions {
    var options = GenerationOptions(length, sampling, drafts)
    options.logprobs = output.logprobs
    return options
  }
}

/// Everything that a run needs, free of the command line.
private struct Request: Sendable {
  var modelPath: String
  var engineOptions: EngineOptions
  var prompt: Prompt
  var template: ChatTemplate?
  var options: GenerationOptions

  func run(reporting reporter: Reporter) async throws -> GenerationSummary {
    let engine = try Engine(
      path: modelPath, options: engineOptions, onChange: { reporter.changed($0) })
    reporter.loaded(engine)
    for try await event in try engine.stream(prompt, template: template, options: options) {
      switch event {
      case .token(let token): try reporter.token(token)
      case .finished(let summary):
        try reporter.finished(summary, of: engine)
        return summary
      }
    }
    preconditionFailure("a token stream ends with a summary")
  }
}
