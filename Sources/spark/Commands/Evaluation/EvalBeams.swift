import ArgumentParser
import Evaluation
import Generation

/// `spark eval beams`: what searching for a text finds, and what it costs.
struct EvalBeams: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "beams", abstract: "Measure what searching with beams finds.",
    discussion: """
      Stories of one length and answers to their ends, each greedy, drawn, and searched for with 2, 4 \
      and 8 beams. Log-probabilities are means over texts of what the model gives each token, with \
      the 95% interval of resampled texts; times and keys and values are medians against the greedy \
      text of the same prompt. Arms take turns.
      """)

  @Option(name: [.customShort("n"), .long], help: "Tokens of each text at most.")
  var tokens = 60

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: SharedEngineFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws { try require(tokens > 0, "--tokens must be at least 1.") }

  func run() async throws {
    let run = BeamRun(
      tasks: BeamTask.all, maxTokens: tokens, seed: output.seed, engine: engine.options)
    let (path, output) = (try model.path(), output)
    try await Interruption.cancels {
      var comparison = BeamComparison()
      do {
        try await run.run(on: EngineShelf(path: path)) { trial in
          comparison.add(trial)
          if output.json { try Output.standard.writeJSONLine(TrialRecord(trial)) }
        }
      } catch is CancellationError {
        if !output.json { try Output.standard.write(comparison.markdown) }
        throw ExitCode(Interruption.exitCode)
      }
      if !output.json { try Output.standard.write(comparison.markdown) }
    }
  }

  private struct TrialRecord: Encodable {
    var task: String
    var arm: String
    var item: Int
    var tokens: Int
    var logProbability: Double
    var seconds: Double
    var peakBlocks: Int?
    var singleBlocks: Int?

    init(_ trial: BeamTrial) {
      task = trial.task
      arm = trial.arm
      item = trial.item
      tokens = trial.tokens
      logProbability = trial.logProbability
      seconds = trial.seconds
      peakBlocks = trial.beams?.peakBlocks
      singleBlocks = trial.beams?.singleBlocks
    }
  }
}
