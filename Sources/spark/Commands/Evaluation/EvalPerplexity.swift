import ArgumentParser
import Evaluation
import Generation
import Synchronization

/// `spark eval ppl`: how well a long text is predicted.
struct EvalPerplexity: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ppl", abstract: "Measure how well a long text is predicted.",
    discussion: """
      The text is read once from its start, and nothing is forgotten on purpose. Rows are parts of \
      1024 tokens. Recurring tokens are those of words that occurred before, but not within the \
      window and one block: only memory can help with them. Differences are paired, their intervals \
      from a bootstrap over stretches of 256 tokens.
      """)

  @Argument(help: ArgumentHelp("The text.", valueName: "file"))
  var file: String

  @Option(name: [.customShort("n"), .long], help: "The most tokens to read; 0 reads all.")
  var tokens = 16_384

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(tokens >= 0, "--tokens must not be negative.")
    try require(!kinds.isEmpty, "--arms needs one of full, window, cascade.")
  }

  /// The ceiling has a question; a text has none.
  private var kinds: [ArmKind] { arms.arms.kinds.filter { $0 != .ceiling } }

  func run() async throws {
    let (path, tokenizer) = (try model.path(), try model.tokenizer())
    var tokens = tokenizer.encode(try TextInput.text(from: file))
    if self.tokens > 0 { tokens = Array(tokens.prefix(self.tokens)) }
    guard tokens.count > 1 else {
      throw InputError("\(file) has \(tokens.count.inTokens); at least 2 are needed.")
    }
    let list = arms.list(kinds)
    // What a sliding window may still see: itself and the block that it has not let go yet.
    let widest =
      list.compactMap { arm -> Int? in
        if case .sliding(let tokens) = arm.engine.window { tokens } else { nil }
      }.max() ?? arms.window
    let mask = WordRecurrence.mask(
      pieces: tokens.map { tokenizer.piece($0) }, beyond: widest + arms.engine.blockLength)
    let run = PerplexityRun(tokens: tokens, arms: list)
    let (output, name) = (output, file)
    try await Interruption.cancels {
      try await Self.tell(
        run, PerplexityReport(arms: list.map(\.name), relevant: mask), path: path, name, output)
    }
  }

  private static func tell(
    _ run: PerplexityRun, _ empty: PerplexityReport, path: String, _ name: String,
    _ output: EvaluationOutputFlags
  ) async throws {
    let began = ContinuousClock.now
    let state = Mutex(
      State(
        report: empty,
        progress: ProgressBar(total: run.tokens.count * run.arms.count, isQuiet: output.quiet)))
    var isInterrupted = false
    do {
      try await run.run(on: EngineShelf(path: path)) { arm, index, cost in
        state.withLock {
          $0.report.add(cost, arm: arm, at: index)
          $0.progress.advance(run.arms[arm].name)
          $0.count += 1
        }
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    let (report, count) = state.withLock {
      $0.progress.clear()
      return ($0.report, $0.count)
    }
    let seconds = (ContinuousClock.now - began).seconds
    let baseline = run.arms.firstIndex { $0.name == ArmKind.window.rawValue } ?? 0
    let standard = Output.standard
    if output.json {
      try standard.writeJSONLine(
        RunRecord(evaluation: "ppl", model: path, seed: output.seed, arms: run.arms))
      for record in report.records(baseline: baseline) { try standard.writeJSONLine(record) }
    } else {
      try standard.write(report.markdown(baseline: baseline))
    }
    if let svg = output.svg {
      try await OutputFile.write(svg) { try $0.write(report.svg(title: name)) }
    }
    output.remark(
      "\(count) tokens in \(seconds.inTenths) s, "
        + "\((Double(count) / max(1e-9, seconds)).inTenths) a second"
        + "\(isInterrupted ? "; interrupted" : "")")
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }

  /// What grows while the text is read.
  private struct State {
    var report: PerplexityReport
    var progress: ProgressBar
    var count = 0
  }
}
