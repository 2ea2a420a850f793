import ArgumentParser
import Evaluation
import Generation

/// `spark eval harm`: what memory does where it is of no use.
struct EvalHarm: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "harm", abstract: "Measure what memory does to texts it has nothing to do with.",
    discussion: """
      A conversation made of the dialogues fills the memory; then passages of the text are read as \
      the user's next turn, with what the cascade recalls and without. Told is how far the \
      predictions of their tokens move: the Kullback-Leibler divergence, how often another token \
      is the likeliest, and the perplexity's ratio, with intervals from a bootstrap over passages.

      With --cross-session the conversation is told in another session of the same namespace, and \
      the passages begin a session of their own.
      """)

  @Argument(help: ArgumentHelp("The dialogues, JSON lines as for recall.", valueName: "memory"))
  var memory: String

  @Argument(help: ArgumentHelp("The text that has nothing to do with them.", valueName: "text"))
  var text: String

  @Option(help: "Passages to read.")
  var items = 20

  @Option(help: "Tokens of conversation before them.")
  var length = 2048

  @Option(help: ArgumentHelp("The chat's format, where the model names none.", valueName: "name"))
  var template: TemplateArgument?

  @Flag(help: "Fill the memory in another session.")
  var crossSession = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(items > 0, "--items must be at least 1.")
    try require(length > 0, "--length must be at least 1.")
    try require(output.svg == nil, "--svg has nothing to draw here.")
  }

  func run() async throws {
    let dialogues = try RecallItem.items(of: TextInput.text(from: memory), file: memory)
    let passages = Filler(text: try TextInput.text(from: text)).exchanges.map(\.assistant)
    guard !passages.isEmpty else { throw InputError("\(text) holds no passage.") }
    let (path, output, template) = (try model.path(), output, template?.template)
    let (arms, items, length, isCrossSession) = (arms, items, length, crossSession)
    try await Interruption.cancels {
      try await TemporaryFolder.with(nil) { store in
        var base = arms.engine
        if isCrossSession { base.store = store }
        var list = arms.list([.cascade], base: base)
        let shelf = EngineShelf(path: path)
        let history = try Self.history(dialogues, seed: output.seed) {
          try shelf.engine(list[0].engine).tokens(of: .chat($0), template: template).count
            >= length
        }
        var plain = ArmKind.window.arm(base: base, window: arms.window)
        if isCrossSession {
          // The same engine both times: only how far memory reaches differs.
          plain.engine = list[0].engine
          for index in list.indices {
            list[index].memory = MemoryOptions(scope: .namespace, namespace: "harm")
            try await shelf.engine(list[index].engine).tell(
              history, template: template,
              MemoryOptions(scope: .session, namespace: "harm", session: "told-\(index)"))
          }
        }
        let run = HarmRun(
          history: isCrossSession ? [] : history, passages: Array(passages.prefix(items)),
          plain: plain, arms: list, template: template)
        try await Self.tell(run, shelf, output)
      }
    }
  }

  /// Dialogues one after another until there are enough.
  private static func history(
    _ dialogues: [RecallItem], seed: UInt64, isEnough: ([ChatMessage]) throws -> Bool
  ) throws -> [ChatMessage] {
    var random = SeededGenerator(seed: seed)
    var history: [ChatMessage] = []
    for item in dialogues.shuffled(using: &random) {
      history += item.dialogue.messages + [.assistant(item.answer)]
      if try isEnough(history) { break }
    }
    return history
  }

  private static func tell(
    _ run: HarmRun, _ shelf: EngineShelf, _ output: EvaluationOutputFlags
  ) async throws {
    var report = HarmReport(arms: run.arms.map(\.name))
    let progress = ProgressBar(
      total: run.passages.count * run.arms.count, isQuiet: output.quiet)
    var isInterrupted = false
    do {
      try await run.run(on: shelf) { arm, tokens in
        report.add(tokens, arm: arm)
        progress.advance(arm)
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    progress.clear()
    if output.json {
      try Output.standard.writeJSONLine(
        RunRecord(
          evaluation: "harm", model: shelf.path, seed: output.seed, arms: [run.plain] + run.arms))
      for arm in run.arms {
        if let figures = report.figures(arm.name) { try Output.standard.writeJSONLine(figures) }
      }
    } else {
      try Output.standard.write(report.markdown)
    }
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }
}
