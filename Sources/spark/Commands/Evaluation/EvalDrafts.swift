import ArgumentParser
import Evaluation
import Generation
import Synchronization

/// `spark eval drafts`: whether guessing tokens pays on this machine.
struct EvalDrafts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drafts", abstract: "Measure whether guessing tokens pays.",
    discussion: """
      First what a pass that checks several tokens costs, in passes of one token; then texts that copy \
      their prompt, questions that were asked before, and free stories, each written without drafts, \
      with them as long as it pays, and always: from the text, from memory, by the model's first layers, and by \
      --draft-model where there is one. Speed is the median of each text's time against the \
      time without drafts in the same round; arms take turns.
      """)

  @Option(help: "Times each text is written by each arm.")
  var rounds = 5

  @Option(name: [.customShort("n"), .long], help: "Tokens of each text at most.")
  var tokens = 120

  @Option(help: "The most rows of a pass whose cost is measured; 0 leaves it out.")
  var rows = 16

  @Option(help: "Tokens to guess at once at most.")
  var draftMax = DraftOptions().most

  @Option(help: ArgumentHelp("A smaller model with the same vocabulary.", valueName: "file"))
  var draftModel: String?

  @Option(
    help: ArgumentHelp("How many of the model's first layers guess.", valueName: "layer|auto"))
  var draftExit = DraftExit.automatic

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: SharedEngineFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(rounds > 0, "--rounds must be at least 1.")
    try require(tokens > 1, "--tokens must be at least 2.")
    try require((0...32).contains(rows), "--rows must be between 0 and 32.")
    try require((1...31).contains(draftMax), "--draft-max must be between 1 and 31.")
  }

  func run() async throws {
    let (path, output, rows, rounds) = (try model.path(), output, rows, rounds)
    var options = engine.options
    (options.draftModel, options.draftExit) = (draftModel, draftExit)
    let base = options
    let run = DraftRun(
      tasks: DraftTask.all(base: base), rounds: rounds, maxTokens: tokens, most: draftMax,
      seed: output.seed)
    try await Interruption.cancels {
      try await Self.tell(run, path: path, base: base, rows: rows, output)
    }
  }

  private static func tell(
    _ run: DraftRun, path: String, base: EngineOptions, rows: Int, _ output: EvaluationOutputFlags
  ) async throws {
    let shelf = EngineShelf(path: path)
    let standard = Output.standard
    if rows > 1 {
      let costs = try await costs(on: shelf.engine(base), rows: rows, rounds: run.rounds)
      for (index, cost) in costs.enumerated() {
        let record = CostRecord(rows: index + 1, cost: cost)
        try output.json
          ? standard.writeJSONLine(record)
          : standard.write("a pass of \(record.rows): × \(cost.inHundredths)\n")
      }
      if !output.json { try standard.write("\n") }
    }
    var report = DraftReport()
    do {
      try await run.run(on: shelf) { trial in
        report.add(trial)
        if output.json { try standard.writeJSONLine(TrialRecord(trial)) }
      }
    } catch is CancellationError {
      if !output.json { try standard.write(report.markdown) }
      throw ExitCode(Interruption.exitCode)
    }
    if !output.json { try standard.write(report.markdown) }
  }

  /// [rows] what a pass costs, in passes of one row: medians over rounds in which every size has its turn.
  private static func costs(on engine: Engine, rows: Int, rounds: Int) async throws -> [Double] {
    var seconds = [[Double]](repeating: [], count: rows)
    for _ in 0..<max(5, rounds) {
      for count in 1...rows {
        seconds[count - 1].append(
          try await engine.measureVerification(rows: count, passes: 40, context: 256).seconds)
      }
    }
    let single = Spread(seconds[0]).median
    return seconds.map { Spread($0).median / single }
  }

  private struct CostRecord: Encodable {
    var rows: Int
    var cost: Double
  }

  private struct TrialRecord: Encodable {
    var task: String
    var arm: String
    var item: Int
    var round: Int
    var tokens: Int
    var seconds: Double
    var isSame: Bool
    var drafts: DraftRecord

    init(_ trial: DraftTrial) {
      task = trial.task
      arm = trial.arm
      item = trial.item
      round = trial.round
      tokens = trial.tokens
      seconds = trial.seconds
      isSame = trial.isSame
      drafts = DraftRecord(trial.drafts)
    }
  }
}
