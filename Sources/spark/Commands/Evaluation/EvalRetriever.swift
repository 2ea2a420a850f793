import ArgumentParser
import Evaluation
import Generation

/// `spark eval retriever`: whether scorers find the block that tells the answer.
struct EvalRetriever: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retriever",
    abstract: "Measure how well blocks are found, whatever the model makes of them.",
    discussion: """
      Texts that the model's context holds whole are read with full attention: the dialogues, as for \
      recall, pass keys, and RULER's needles. In each layer, the queries of the last tokens put the \
      blocks before the window in an order by each scorer. Told is how often the block that says the \
      answer is among the best few, the mean of 1/rank, and the share of the layer's attention to all \
      those blocks that the best few get. Where layers are taken together, intervals come from a \
      bootstrap over texts.
      """)

  @Argument(help: ArgumentHelp("The dialogues, JSON lines as for recall.", valueName: "file"))
  var file: String

  @Option(help: "The most texts of each task.")
  var items = 60

  @Option(help: "Tokens of the window before which blocks are ranked.")
  var window = 256

  @Option(help: ArgumentHelp("Tokens in a block, multiples of 16.", valueName: "list"))
  var blocks = NumberList([32, 64])

  @Option(help: ArgumentHelp("The chat's format, where the model names none.", valueName: "name"))
  var template: TemplateArgument?

  @Option(name: .shortAndLong, help: "Compute threads. (default: one for each core)")
  var threads: Int?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(items > 0, "--items must be at least 1.")
    try require(window > 0, "--window must be at least 1.")
    try require(!blocks.values.isEmpty, "--blocks needs a number of tokens.")
    try require(output.svg == nil, "--svg has nothing to draw here.")
  }

  func run() async throws {
    let dialogues = try RecallItem.items(of: TextInput.text(from: file), file: file)
    let (path, template, output) = (try model.path(), template?.template, output)
    let (window, blocks, items) = (window, blocks.values, items)
    let base = EngineOptions(threads: threads, maxSequences: 1)
    try await Interruption.cancels {
      let shelf = EngineShelf(path: path)
      var options = base
      options.blockLength = blocks[0]
      let engine = try shelf.engine(options)
      let runs = try Self.tasks(dialogues, engine, window, template, output.seed).map {
        RetrieverRun(
          task: $0, questions: $1, limit: items, window: window, blockLengths: blocks, base: base,
          template: template, seed: output.seed)
      }
      try await Self.tell(runs, shelf, output)
    }
  }

  /// More questions than are wanted, for some show the answer in the window or do not fit.
  private static func tasks(
    _ dialogues: [RecallItem], _ engine: Engine, _ window: Int, _ template: ChatTemplate?,
    _ seed: UInt64
  ) throws -> [(String, [Question])] {
    let tokenizer = engine.tokenizer
    // Room for the words around what is measured.
    let length = engine.contextLength * 15 / 16
    let recall = try RecallTask(
      items: dialogues, distances: [], limit: dialogues.count, filler: Filler(exchanges: []),
      maxTokens: 1, seed: seed
    ).questions(window: window) { try engine.tokens(of: .chat($0), template: template).count }
    let passkeys = PasskeyTask(
      lengths: [length], depths: Array(stride(from: 0, through: 100, by: 5)), repetitions: 20,
      seed: seed
    ).questions { tokenizer.encode($0).count }
    let needles = NeedleTask(
      needles: [.s1, .s2, .s3, .mk1], lengths: [length], repetitions: 100, haystack: .synthetic,
      seed: seed
    ).questions { tokenizer.encode($0).count }
    return [("dialogues", recall), ("pass keys", passkeys), ("needles", needles)]
  }

  private static func tell(
    _ runs: [RetrieverRun], _ shelf: EngineShelf, _ output: EvaluationOutputFlags
  ) async throws {
    var report = RetrieverReport()
    let progress = ProgressBar(
      total: runs.reduce(0) { $0 + $1.limit }, isQuiet: output.quiet)
    let standard = Output.standard
    let began = ContinuousClock.now
    var (count, isInterrupted) = (0, false)
    do {
      for run in runs {
        try await run.run(on: shelf) { observations in
          for observation in observations {
            report.add(observation)
            if output.json { try standard.writeJSONLine(observation) }
          }
          count += 1
          progress.advance(run.task)
        }
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    progress.clear()
    if output.json {
      for record in report.records { try standard.writeJSONLine(record) }
    } else {
      try standard.write(report.markdown)
    }
    output.remark(
      "\(count) texts in \((ContinuousClock.now - began).seconds.inTenths) s; seed \(output.seed)"
        + "\(isInterrupted ? "; interrupted" : "")")
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }
}
