import ArgumentParser
import Evaluation
import Generation

/// `spark eval niah`: needles in a haystack, after RULER.
struct EvalNeedles: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "niah", abstract: "Ask for needles in a haystack, after RULER.",
    discussion: """
      s-1, s-2, s-3: one word with its number or UUID; mk-1: one of four words; mk-3: one of as many \
      UUIDs as fit; mv: four numbers of one word; vt: the names a value passes through. A reply is \
      correct if it tells all that was asked; the mean share of it is told where it differs.
      """)

  @Option(help: ArgumentHelp("The tasks, separated by commas.", valueName: "names"))
  var tasks = NeedleList(needles: Needle.allCases)

  @Option(help: "Questions of each task and length.")
  var items = 20

  @Option(
    help: ArgumentHelp(
      "A text to hide needles in. (default: made-up sentences)", valueName: "file"))
  var haystack: String?

  @OptionGroup(title: "Texts") var texts: LengthsFlags
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws { try require(items > 0, "--items must be at least 1.") }

  func run() async throws {
    let (path, tokenizer) = (try model.path(), try model.tokenizer())
    let evaluation = AnswerEvaluation(
      name: "niah", rows: "task, length", arms: arms.list(), output: output)
    let task = NeedleTask(
      needles: tasks.needles, lengths: texts.lengths.values, repetitions: items,
      haystack: try haystack.map { try Haystack(text: TextInput.text(from: $0)) } ?? .synthetic,
      seed: output.seed)
    try await Interruption.cancels {
      try await evaluation.run(
        task.questions { tokenizer.encode($0).count }, on: EngineShelf(path: path))
    }
  }
}

/// Names of RULER's tasks separated by commas.
struct NeedleList: ExpressibleByArgument, Sendable {
  var needles: [Needle]

  init(needles: [Needle]) { self.needles = needles }

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false)
    needles = names.compactMap { Needle(rawValue: String($0)) }
    guard needles.count == names.count, Set(needles).count == needles.count else { return nil }
  }

  var defaultValueDescription: String { needles.map(\.rawValue).joined(separator: ",") }
}
