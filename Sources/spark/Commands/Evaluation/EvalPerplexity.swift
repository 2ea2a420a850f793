import ArgumentParser
import Evaluation
import Generation
import Synchronization

/// `spark eval ppl`: how well a long text is predicted.
struct EvalPerplexity: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ppl", abstract: "Measure how well a long text is predicted.",
    discussion: """
      The text is read once from its start, and nothing is forgotten on purpose. Recurring tokens are those of words that occurred before, but not within the \
      window and one block: only memory can help with them. Differences are paired, their intervals \
      from a bootstrap over stretches of 256 tokens. Where full attention is among the arms, the others' \
      perplexities are told over its own, on the tokens that it could read.

      With --passages the text is cut into passages that are each read from their start: so full \
      attention at the trained length is compared on many of them.
      """)

  @Argument(help: ArgumentHelp("The text.", valueName: "file"))
  var file: String

  @Option(name: [.customShort("n"), .long], help: "The most tokens to read; 0 reads all.")
  var tokens = 16_384

  @Option(help: "Tokens of a row, and of a point of the curve.")
  var stretch = 1024

  @Option(
    help: ArgumentHelp(
      "Read so many passages of --tokens tokens, each from its start.", valueName: "n")
  )
  var passages = 1

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(tokens >= 0, "--tokens must not be negative.")
    try require(stretch > 0, "--stretch must be at least 1.")
    try require(passages > 0, "--passages must be at least 1.")
    try require(passages == 1 || tokens > 1, "--passages needs --tokens, at least 2.")
    try require(!kinds.isEmpty, "--arms needs one of full, window, cascade.")
  }

  /// The ceiling has a question; a text has none.
  private var kinds: [ArmKind] { arms.arms.kinds.filter { $0 != .ceiling } }

  func run() async throws {
    let (path, tokenizer) = (try model.path(), try model.tokenizer())
    var tokens = tokenizer.encode(try TextInput.text(from: file))
    let least = max(2, passages > 1 ? passages * self.tokens : 0)
    guard tokens.count >= least else {
      throw InputError("\(file) has \(tokens.count.inTokens); at least \(least) are needed.")
    }
    if self.tokens > 0 { tokens = Array(tokens.prefix(passages * self.tokens)) }
    let passage = passages > 1 ? self.tokens : tokens.count
    let list = arms.list(kinds)
    // What a sliding window may still see: itself and the block that it has not let go yet.
    let widest =
      list.compactMap { arm -> Int? in
        if case .sliding(let tokens) = arm.engine.window { tokens } else { nil }
      }.max() ?? arms.window
    let mask = stride(from: 0, to: tokens.count, by: passage).flatMap { start in
      WordRecurrence.mask(
        pieces: tokens[start...].prefix(passage).map { tokenizer.piece($0) },
        beyond: widest + arms.engine.blockLength)
    }
    let run = PerplexityRun(tokens: tokens, passage: passage, arms: list)
    let report = PerplexityReport(
      arms: list.map(\.name), relevant: mask, passage: passage, stretch: stretch)
    let (output, name) = (output, file)
    try await Interruption.cancels {
      try await Self.tell(run, report, path: path, name, output)
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
    let full = run.arms.firstIndex { $0.name == ArmKind.full.rawValue }
    let standard = Output.standard
    if output.json {
      try standard.writeJSONLine(
        RunRecord(evaluation: "ppl", model: path, seed: output.seed, arms: run.arms))
      for record in report.records(baseline: baseline, full: full) {
        try standard.writeJSONLine(record)
      }
    } else {
      try standard.write(report.markdown(baseline: baseline, full: full))
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
