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

      With --cross-session the dialogue up to the question is told in one session, the engine closed, \
      and the question asked in another session of a new engine on the same store: without memory, \
      with it, and as a stranger in another namespace, whose replies must be those without memory.
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

  @Flag(help: "Tell in one session, ask in another.")
  var crossSession = false

  @Flag(
    help:
      "With --cross-session: also ask after a consolidation, and with nothing left but concepts.")
  var concepts = false

  @Option(
    help: ArgumentHelp(
      "With --cross-session: where memory is kept. (default: a folder that is removed afterwards)",
      valueName: "folder"))
  var store: String?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(items > 0, "--items must be at least 1.")
    try require(maxTokens > 0, "--max-tokens must be at least 1.")
    try require(
      lengths.values.allSatisfy { (1...1_048_576).contains($0) },
      "--lengths must be between 1 and 1048576.")
    try require(!concepts || crossSession, "--concepts needs --cross-session.")
    try require(store == nil || crossSession, "--store needs --cross-session.")
    try require(
      arms.sweep == nil || !crossSession, "--sweep and --cross-session do not go together.")
  }

  func run() async throws {
    let (path, task, output) = (try model.path(), try task(), output)
    let (arms, template) = (arms, template?.template)
    let (isCrossSession, concepts, store) = (crossSession, concepts, store)
    try await Interruption.cancels {
      let shelf = EngineShelf(path: path)
      let list = arms.list()
      let engine = try shelf.engine(list[0].engine)
      let questions = try task.questions(window: arms.window) {
        try engine.tokens(of: .chat($0), template: template).count
      }
      if isCrossSession {
        try await TemporaryFolder.with(store) { store in
          try await CrossSessionEvaluation(
            path: path, arms: arms, output: output, template: template, concepts: concepts
          ).run(questions, store: store)
        }
      } else {
        try await AnswerEvaluation(
          name: "recall", rows: "distance", arms: list, output: output
        ).run(questions, on: shelf, template: template)
      }
    }
  }

  private func task() throws -> RecallTask {
    let all = try RecallItem.items(of: TextInput.text(from: file), file: file)
    var items = all
    if let kinds {
      let wanted = Set(kinds.split(separator: ",").map(String.init))
      items.removeAll { !wanted.contains($0.kind) }
      if items.isEmpty { throw InputError("\(file) holds no dialogue of the kinds \(kinds).") }
    }
    return RecallTask(
      items: items, distances: lengths.values, limit: self.items,
      filler: try filler.map { Filler(text: try TextInput.text(from: $0)) } ?? Filler(items: all),
      maxTokens: maxTokens, seed: output.seed)
  }
}
