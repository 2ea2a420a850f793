import ArgumentParser
import Evaluation
import Generation

/// `spark eval passkey`: a number hidden in repeated sentences.
struct EvalPasskey: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passkey", abstract: "Ask for a number hidden in repeated sentences.",
    discussion: """
      A reply is correct if the first number in it is the one hidden. The text is continued, not \
      answered as a chat. Nearly every model finds the number within its own context; niah is harder.
      """)

  @Option(help: ArgumentHelp("Tokens of the text, such as 1k,2k,4096.", valueName: "list"))
  var lengths = NumberList([512, 896, 2048, 4096, 8192])

  @Option(help: ArgumentHelp("Where the number stands, in percent.", valueName: "list"))
  var depths = NumberList(Array(stride(from: 0, through: 100, by: 10)))

  @Option(help: "Numbers hidden at each length and depth.")
  var items = 2

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(items > 0, "--items must be at least 1.")
    try require(
      lengths.values.allSatisfy { (1...1_048_576).contains($0) },
      "--lengths must be between 1 and 1048576.")
    try require(depths.values.allSatisfy { $0 <= 100 }, "--depths must be between 0 and 100.")
  }

  func run() async throws {
    let (path, arms, output) = (try model.path(), arms.list(), output)
    let task = PasskeyTask(
      lengths: lengths.values, depths: depths.values, repetitions: items, seed: output.seed)
    let tokenizer = try model.tokenizer()
    try await Interruption.cancels {
      let run = AnswerRun(
        questions: task.questions { tokenizer.encode($0).count }, arms: arms, seed: output.seed)
      let evaluation = AnswerEvaluation(
        name: "passkey", rows: "tokens", arms: arms, output: output)
      try await evaluation.run(model: path, total: run.questions.count * arms.count) { onTrial in
        try await run.run(on: EngineShelf(path: path), onTrial: onTrial)
      }
    }
  }
}
