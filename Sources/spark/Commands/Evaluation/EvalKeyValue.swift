import ArgumentParser
import Evaluation
import Generation

/// `spark eval kv`: one value of a JSON object.
struct EvalKeyValue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kv", abstract: "Ask for one value of a long JSON object of random pairs.")

  @Option(
    help: "What keys and values are: UUIDs as published, or words that small models can copy.")
  var pairs = KeyValueTask.Kind.uuid

  @OptionGroup(title: "Texts") var texts: LengthsFlags
  @OptionGroup(title: "Texts") var depths: DepthFlags
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Arms") var arms: ArmFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func run() async throws {
    let (path, tokenizer) = (try model.path(), try model.tokenizer())
    let evaluation = AnswerEvaluation(
      name: "kv", rows: "length", arms: arms.list(), output: output)
    let task = KeyValueTask(
      lengths: texts.lengths.values, depths: depths.depths.values, repetitions: depths.items,
      kind: pairs, seed: output.seed)
    try await Interruption.cancels {
      try await evaluation.run(
        task.questions { tokenizer.encode($0).count }, on: EngineShelf(path: path))
    }
  }
}

extension KeyValueTask.Kind: ExpressibleByArgument {}
