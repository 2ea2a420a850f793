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
  @OptionGroup(title: "Beams") var beams: BeamFlags
  @OptionGroup(title: "Drafts") var drafts: DraftFlags
  @OptionGroup(title: "Quality") var quality: QualityFlags
  @OptionGroup(title: "Repetition") var memo: MemoFlags
  @OptionGroup(title: "Heat") var thermal: ThermalFlags
  @OptionGroup(title: "Profile") var profile: ProfileFlags
  @OptionGroup(title: "Output") var output: OutputFlags

  func validate() throws {
    try require(
      output.logprobs == 0 || output.json, "--logprobs needs --json, which has a place for them.")
    try beams.validate(beside: sampling)
    try generationOptions().validateUsage()
  }

  func run() async throws {
    var engineOptions =
      memory.isLasting ? try engine.options(remembering: model) : engine.options
    engineOptions.thermal = thermal.options
    memory.apply(to: &engineOptions)
    drafts.engine.apply(to: &engineOptions)
    beams.apply(to: &engineOptions)
    profile.apply(to: &engineOptions)
    let teller = try ProfileTeller(profile)
    let (modelPath, reporter) = (try model.path(), Reporter(flags: output))
    let prompt = try self.prompt.prompt(isTurn: memory.session != nil)
    let (command, options) = (self, engineOptions)
    let summary = try await Interruption.cancels {
      try await teller.follow(
        to: command.output.json ? .standard : .error, json: command.output.json
      ) { begin in
        let engine = try Engine(
          path: modelPath, options: options, onChange: { reporter.changed($0) })
        begin(engine)
        reporter.loaded(engine)
        let stream = try await command.stream(prompt, from: engine, options)
        return try await reporter.tell(stream, of: engine)
      }
    }
    if summary.stopReason == .cancelled { throw ExitCode(Interruption.exitCode) }
  }

  /// Begins a text of its own, or the next reply of a conversation.
  private func stream(
    _ prompt: Prompt, from engine: Engine, _ engineOptions: EngineOptions
  ) async throws -> TokenStream {
    let template = self.prompt.template?.template
    guard let session = memory.session, case .chat(let messages) = prompt else {
      var options = generationOptions()
      options.memory = memory.options(for: engineOptions)
      return try engine.stream(prompt, template: template, options: options)
    }
    let conversation = try await engine.conversation(
      named: session, namespace: memory.namespace, template: template, scope: memory.scope,
      rereading: memory.rereading.reread)
    if let system = self.prompt.system { try conversation.tell(system) }
    var options = generationOptions(over: conversation.options ?? GenerationOptions())
    options.memory.explains = memory.explain
    return try conversation.reply(to: messages.last?.content ?? "", options: options)
  }

  private func generationOptions(
    over base: GenerationOptions = GenerationOptions()
  ) -> GenerationOptions {
    var options = GenerationOptions(length, sampling, beams, drafts, over: base)
    options.logprobs = output.logprobs
    quality.apply(to: &options)
    memo.apply(to: &options)
    return options
  }
}
