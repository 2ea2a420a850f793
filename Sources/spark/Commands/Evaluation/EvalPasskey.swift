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

  @OptionGroup(title: "Texts") var texts: LengthsFlags
  @OptionGroup(title: "Texts") var depths: DepthFlags
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func run() async throws {
    let (path, tokenizer) = (try model.path(), try model.tokenizer())
    let evaluation = AnswerEvaluation(
      name: "passkey", rows: "length", arms: arms.list(), output: output)
    let task = PasskeyTask(
      lengths: texts.lengths.values, depths: depths.depths.values, repetitions: depths.items,
      seed: output.seed)
    try await Interruption.cancels {
      try await evaluation.run(
        task.questions { tokenizer.encode($0).count }, on: EngineShelf(path: path))
    }
  }
}
