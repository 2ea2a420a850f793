import ArgumentParser
import Evaluation
import Generation

/// `spark eval early-exit`: what leaving layers out costs.
struct EvalEarlyExit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "early-exit", abstract: "Measure what leaving layers out costs, and saves.",
    discussion: """
      Passages of the text are read a token at a time, as if the model were writing them, with --early-exit \
      at each threshold and with all layers, in turns. Told is how many tokens leave early, how often \
      the likeliest next token stays the same, the perplexity, and the time with all layers by the time \
      without some, the median over passages.
      """)

  @Argument(help: ArgumentHelp("The text.", valueName: "file"))
  var file: String

  @Option(name: [.customShort("n"), .long], help: "Tokens of a passage.")
  var tokens = 256

  @Option(help: "Passages to read.")
  var passages = 16

  @Option(help: ArgumentHelp("Thresholds to try.", valueName: "list"))
  var thresholds = ThresholdList(values: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: SharedEngineFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(tokens > 1, "--tokens must be at least 2.")
    try require(passages > 0, "--passages must be at least 1.")
    try require(output.svg == nil, "--svg has nothing to draw here.")
  }

  func run() async throws {
    let (path, tokenizer) = (try model.path(), try model.tokenizer())
    let all = tokenizer.encode(try TextInput.text(from: file))
    let count = min(passages, all.count / tokens)
    guard count > 0 else {
      throw InputError("\(file) has \(all.count.inTokens); a passage needs \(tokens).")
    }
    let texts = (0..<count).map { Array(all[$0 * tokens..<($0 + 1) * tokens]) }
    let run = EarlyExitRun(
      passages: texts, thresholds: thresholds.values, engine: engine.options)
    let output = output
    try await Interruption.cancels {
      let shelf = EngineShelf(path: path)
      var report = EarlyExitReport(layers: try shelf.engine(run.engine).model.layers)
      let progress = ProgressBar(
        total: run.passages.count * (run.thresholds.count + 1), isQuiet: output.quiet)
      var isInterrupted = false
      do {
        try await run.run(on: shelf) { reading in
          report.add(reading)
          progress.advance(reading.threshold.map { "\($0)" } ?? "all layers")
        }
      } catch is CancellationError {
        isInterrupted = true
      }
      progress.clear()
      if output.json {
        for row in report.rows { try Output.standard.writeJSONLine(row) }
      } else {
        try Output.standard.write(report.markdown)
      }
      if isInterrupted { throw ExitCode(Interruption.exitCode) }
    }
  }
}

/// Probabilities with commas between them.
struct ThresholdList: ExpressibleByArgument, Sendable {
  var values: [Float]

  init(values: [Float]) { self.values = values }

  init?(argument: String) {
    values = []
    for text in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = Float(text), value > 0, value <= 1 else { return nil }
      values.append(value)
    }
  }

  var defaultValueDescription: String { values.map { "\($0)" }.joined(separator: ",") }
}
