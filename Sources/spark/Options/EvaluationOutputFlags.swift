import ArgumentParser
import Evaluation

/// How much is asked, and in what form the result is told.
struct EvaluationOutputFlags: ParsableArguments {
  @Option(help: "What is drawn by chance is drawn from this.")
  var seed: UInt64 = 1

  @Flag(help: "Write every trial and every cell as a JSON object on a line of its own.")
  var json = false

  @Option(help: ArgumentHelp("Also draw the result, as SVG.", valueName: "file"))
  var svg: String?

  @Flag(name: .shortAndLong, help: "Leave out progress and remarks.")
  var quiet = false
}
