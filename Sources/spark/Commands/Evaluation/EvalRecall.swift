import ArgumentParser
import Evaluation
import Generation

/// `spark eval recall`: questions about what a conversation said before.
struct EvalRecall: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recall", abstract: "Ask about something a conversation said before.",
    discussion: """
      The file holds one JSON object a line: history, a dialogue of lines that begin with "User: " or \
      "Assistant: " and end with a question; answer, which must appear in the reply as words of its \
      own, whatever their case; and kind. Rows tell how many tokens lie between the two.
      """)

  @Argument(help: ArgumentHelp("The dialogues, JSON lines.", valueName: "file"))
  var file: String

  @Option(help: "The most dialogues of each distance.")
  var items = 20

  @Option(
    help: ArgumentHelp(
      "Bring each dialogue to these distances, in tokens, by unrelated turns after the fact. "
        + "(default: as they are)", valueName: "list"))
  var lengths = NumberList([])

  @Option(
    help: ArgumentHelp(
      "A text to take the unrelated turns from. (default: stories and questions of the other dialogues)",
      valueName: "file"))
  var filler: String?

  @Option(help: ArgumentHelp("Only these kinds, separated by commas.", valueName: "list"))
  var kinds: String?

  @Option(name: [.customShort("n"), .long], help: "The most tokens of a reply.")
  var maxTokens = 40

  @Option(help: ArgumentHelp("The chat's format, where the model names none.", valueName: "name"))
  var template: TemplateArgument?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(items > 0, "--items must be at least 1.")
    try require(maxTokens > 0, "--max-tokens must be at least 1.")
    try require(
      lengths.values.allSatisfy { (1...1_048_576).contains($0) },
      "--lengths must be between 1 and 1048576.")
  }

  func run() async throws {
    var all = try RecallItem.items(of: TextInput.text(from: file), file: file)
    let others = all
    if let kinds {
      let wanted = Set(kinds.split(separator: ",").map(String.init))
      all.removeAll { !wanted.contains($0.kind) }
      if all.isEmpty { throw InputError("\(file) holds no dialogue of the kinds \(kinds).") }
    }
    let task = RecallTask(
      items: all, distances: lengths.values, limit: items,
      filler: try filler.map { Filler(text: try TextInput.text(from: $0)) }
        ?? Filler(items: others),
      maxTokens: maxTokens, seed: output.seed)
    let (path, arms, output) = (try model.path(), arms.list(), output)
    let (window, template) = (self.arms.window, template?.template)
    try await Interruption.cancels {
      let shelf = EngineShelf(path: path)
      let engine = try shelf.engine(arms[0].engine)
      let questions = try task.questions(window: window) {
        try engine.tokens(of: .chat($0), template: template).count
      }
      let run = AnswerRun(
        questions: questions, arms: arms, seed: output.seed, template: template)
      let evaluation = AnswerEvaluation(
        name: "recall", rows: "distance", arms: arms, output: output)
      try await evaluation.run(model: path, total: questions.count * arms.count) { onTrial in
        try await run.run(on: shelf, onTrial: onTrial)
      }
    }
  }
}
