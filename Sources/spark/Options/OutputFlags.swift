import ArgumentParser
import Generation

/// In what form a run is told.
struct OutputFlags: ParsableArguments {
  @Flag(help: "Write events instead of text: one JSON object a line, statistics included.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "With --json: each token's log-probability and the N likeliest tokens; 0 leaves both out.",
      valueName: "n"))
  var logprobs = GenerationOptions().logprobs

  @Flag(name: .shortAndLong, help: "Leave out the statistics.")
  var quiet = false

  @Flag(help: "Also tell about the model and how it is run.")
  var verbose = false
}
