import ArgumentParser
import Evaluation
import FoundationEssentials
import Generation

/// `spark eval session`: what a conversation costs as it grows, and after a restart.
struct EvalSession: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session", abstract: "Measure long conversations and resuming them.",
    discussion: """
      A scripted chat on a store of its own, in which every few turns a new engine takes over from what \
      is kept. Told is how long the first token takes, what was read for it, and what was written to the \
      store's files for each byte of new keys and values. With --against-cold, sessions of given lengths \
      answer in new engines, from their blocks and from the text alone in turns, and the replies from \
      blocks are compared with those of a session that was not interrupted.
      """)

  @Option(help: "Questions and replies.")
  var turns = 200

  @Option(help: "Turns until another engine takes over.")
  var restartEvery = 10

  @Option(help: "Tokens of each question at least: so many are joined.")
  var questionTokens = 0

  @Option(name: [.customShort("n"), .long], help: "Tokens of each reply at most.")
  var maxTokens = 24

  @Flag(help: "Compare resuming from blocks with reading the text again.")
  var againstCold = false

  @Option(help: ArgumentHelp("With --against-cold: tokens before the question.", valueName: "list"))
  var lengths = NumberList([256, 1024])

  @Option(help: "With --against-cold: tokens of the replies that must be the same.")
  var check = 128

  @Option(help: "With --against-cold: times each is tried.")
  var rounds = 9

  @Option(help: ArgumentHelp("The chat's format, where the model names none.", valueName: "name"))
  var template: TemplateArgument?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(turns > 0, "--turns must be at least 1.")
    try require(restartEvery > 0, "--restart-every must be at least 1.")
    try require(
      (0...4096).contains(questionTokens), "--question-tokens must be between 0 and 4096.")
    try require(maxTokens > 0, "--max-tokens must be at least 1.")
    try require(check > 0, "--check must be at least 1.")
    try require(rounds > 0, "--rounds must be at least 1.")
    try require(
      !lengths.values.isEmpty && lengths.values.allSatisfy { $0 >= 32 },
      "--lengths must be at least 32.")
    try require(!againstCold || output.svg == nil, "--svg has nothing to draw with --against-cold.")
  }

  func run() async throws {
    let options = try engine.options(remembering: model)
    let (path, template, output) = (try model.path(), template?.template, output)
    if againstCold {
      let run = ResumeRun(
        lengths: lengths.values, rounds: rounds, check: check, path: path, engine: options,
        template: template, seed: output.seed)
      return try await Interruption.cancels { try await Self.tell(run, output) }
    }
    let (turns, restartEvery) = (turns, restartEvery)
    let (questionTokens, maxTokens) = (questionTokens, maxTokens)
    try await Interruption.cancels {
      try await TemporaryFolder.with(nil) { folder in
        var options = options
        options.store = folder
        try await Self.tell(
          SessionRun(
            turns: turns, restartEvery: restartEvery, questionTokens: questionTokens,
            maxTokens: maxTokens, path: path,
            engine: options, template: template, seed: output.seed), output)
      }
    }
  }

  private static func tell(_ run: SessionRun, _ output: EvaluationOutputFlags) async throws {
    var report = SessionReport()
    let progress = ProgressBar(total: run.turns, isQuiet: output.quiet)
    let standard = Output.standard
    var isInterrupted = false
    do {
      try await run.run { turn in
        report.add(turn)
        if output.json { try standard.writeJSONLine(turn) }
        progress.advance("turn \(turn.turn)")
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    progress.clear()
    if output.json {
      if let summary = report.summary { try standard.writeJSONLine(summary) }
    } else {
      try standard.write(report.markdown)
    }
    if let svg = output.svg {
      let picture = report.svg
      try await OutputFile.write(svg) { try $0.write(picture) }
    }
    output.remark(
      "\(report.turns.count) of \(run.turns) turns; seed \(output.seed)"
        + "\(isInterrupted ? "; interrupted" : "")")
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }

  private static func tell(_ run: ResumeRun, _ output: EvaluationOutputFlags) async throws {
    var report = ResumeReport()
    let progress = ProgressBar(
      total: 2 * run.rounds * run.lengths.count, isQuiet: output.quiet)
    let standard = Output.standard
    var folders: [String] = []
    defer { for folder in folders { try? FileManager.default.removeItem(atPath: folder) } }
    var isInterrupted = false
    do {
      try await run.run {
        folders.append(try TemporaryFolder.make())
        return folders.last!
      } onTrial: { trial in
        report.add(trial)
        if output.json { try standard.writeJSONLine(trial) }
        progress.advance("\(trial.length) tokens")
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    progress.clear()
    if !output.json { try standard.write(report.markdown) }
    output.remark(
      "\(report.trials.count) answers; seed \(output.seed)\(isInterrupted ? "; interrupted" : "")")
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }
}
