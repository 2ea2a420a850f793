import ArgumentParser
import Generation

/// `spark batch`: answers the prompts of a file.
struct Batch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch", abstract: "Answer the prompts of a file, many at a time.",
    discussion: """
      The input has one prompt a line, as JSON ({"prompt": …} or {"messages": […]}, with id, max_tokens, \
      temperature, seed, stop and more) or as plain text. The output has one JSON object for each \
      prompt, written when it has been answered. A run that was interrupted, killed or cut off goes \
      on where it was with the same command: every prompt is in the output once, and says what it \
      would have said. Ctrl-C ends the run at once and cleanly.

      Exit codes: 0 all prompts were answered, 1 some were not, 64 wrong usage, 130 interrupted.
      """)

  @Argument(
    help: ArgumentHelp(
      "The prompts; - or nothing is standard input.", valueName: "file"))
  var file: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where results go; - is standard output.", valueName: "file"))
  var output: String

  @OptionGroup(title: "Batch") var batch: BatchFlags
  @OptionGroup(title: "Prompts") var prompts: BatchPromptFlags
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineFlags
  @OptionGroup(title: "Memory") var memory: BatchMemoryFlags
  @OptionGroup(title: "Length") var length: LengthFlags
  @OptionGroup(title: "Sampling") var sampling: SamplingFlags
  @OptionGroup(title: "Beams") var beams: BeamFlags
  @OptionGroup(title: "Drafts") var drafts: DraftFlags
  @OptionGroup(title: "Quality") var quality: QualityFlags
  @OptionGroup(title: "Repetition") var memo: MemoFlags
  @OptionGroup(title: "Heat") var thermal: ThermalFlags
  @OptionGroup(title: "Profile") var profile: ProfileFlags

  @Flag(help: "Tell the figures at the end as a JSON object, on standard error.")
  var json = false

  @Flag(name: .shortAndLong, help: "Leave out progress, remarks and figures.")
  var quiet = false

  func validate() throws {
    try require(!output.isEmpty, "--output must not be empty.")
    try require(
      quality.stopOn?.kinds.contains(.endless) != true,
      "--stop-on endless depends on the replies before, and a batch that goes on would say something else; "
        + "leave it out.")
    try require(
      output != "-" || !(batch.restart || batch.force || batch.retryFailed),
      "--restart, --force and --retry-failed are about what an output file holds; name one with --output."
    )
    try beams.validate(beside: sampling)
    try GenerationOptions(length, sampling, beams, drafts).validateUsage()
  }

  func run() async throws {
    if file == nil, TextInput.isTyped {
      throw ValidationError("Name the file of prompts, or pipe them in.")
    }
    let command = self
    let (plan, engineOptions) = (try plan(), try engineOptions())
    let teller = try ProfileTeller(profile)
    let summary = try await Interruption.cancels {
      try await teller.follow(to: .error, json: command.json) { begin in
        try await command.run(plan, engineOptions, begin)
      }
    }
    if summary.isInterrupted { throw ExitCode(Interruption.exitCode) }
    if summary.hasFailures { throw ExitCode.failure }
  }

  private func run(
    _ plan: BatchPlan, _ engineOptions: EngineOptions, _ begin: (Engine) -> Void
  ) async throws -> BatchSummary {
    let input = try LineInput(path: file ?? "-")
    // What it holds is only touched when the run has been found to be possible.
    let results = try BatchOutput(
      path: output, besides: input.identity, restarts: batch.restart,
      retriesFailed: batch.retryFailed)
    let governor = GovernorLog()
    let engine = try Engine(
      path: try model.path(), options: engineOptions, onChange: { governor.note($0) })
    if !quiet { engine.tellNotices() }
    begin(engine)
    let settings = plan.settings(
      engine: engineOptions, model: await engine.modelIdentity,
      template: (plan.template ?? engine.chatTemplate)?.name)
    let run = try BatchRun(
      plan: plan, engine: engine, input: input, output: results, settings: settings,
      format: prompts.plain ? .plain : nil, ignoresChanges: batch.force, governor: governor,
      isQuiet: quiet)
    do {
      try await run.run()
    } catch OutputError.closed {
      throw OutputError.closed
    } catch {
      tell(run.summary)
      throw error
    }
    tell(run.summary)
    if run.summary.isInterrupted, results.journal != nil, !quiet {
      Output.error.tell("spark: the same command goes on from here\n")
    }
    return run.summary
  }

  private func tell(_ summary: BatchSummary) {
    if json {
      try? Output.error.writeJSONLine(summary)
    } else if !quiet {
      Output.error.tell(summary.description)
    }
  }

  private func plan() throws -> BatchPlan {
    var options = GenerationOptions(length, sampling, beams, drafts)
    quality.apply(to: &options)
    memo.apply(to: &options)
    options.memory = memory.options
    options.priority = batch.priority
    return BatchPlan(
      options: options, seed: sampling.seed ?? 0, isChat: prompts.isChat, system: prompts.system,
      prefix: try prompts.prefix(), template: prompts.template?.template,
      parallel: batch.width, retries: batch.retries,
      isInOrder: batch.inOrder, isStrict: batch.strict,
      sharesBeginnings: memory.sharesBeginnings, blockLength: engine.shared.block)
  }

  private func engineOptions() throws -> EngineOptions {
    var options =
      memory.scope == .namespace ? try engine.options(remembering: model) : engine.options
    options.maxSequences = batch.width
    options.thermal = thermal.options
    options.store = memory.folder
    drafts.engine.apply(to: &options)
    beams.apply(to: &options)
    profile.apply(to: &options)
    // What is remembered is not to change while it is asked.
    options.consolidation.isAutomatic = false
    return options
  }
}
