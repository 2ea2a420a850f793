import ArgumentParser
import Generation

/// How the models of a bench are run: each value of a list is measured.
struct BenchFlags: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Compute threads. (default: one for each core this process may use)", valueName: "n,n,..."))
  var threads: NumberList?

  @Option(
    help:
      "Tokens of context to make room for. (default: what the tests need; with --parallel, --load and --repeat what the model was trained for)"
  )
  var context: Int?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "What stays in attention: full, or the last N tokens beside the sinks.",
      valueName: "full|n,..."))
  var window = WordList<Window>([.full])

  @Option(
    help: ArgumentHelp(
      "How keys and values are kept: \(KeyValueType.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "type,..."))
  var kvType = WordList([EngineOptions().keyValueType])

  @Option(
    name: [.customShort("b"), .long],
    help: ArgumentHelp("Prompt tokens read in one pass.", valueName: "n,n,..."))
  var prefillChunk = NumberList([EngineOptions().prefillChunk])

  @OptionGroup var attention: AttentionFlags
  @OptionGroup var machine: MachineFlags

  func validate() throws {
    try require(
      threads?.values.allSatisfy { (1...1024).contains($0) } ?? true,
      "--threads must be between 1 and 1024.")
    try require(context.map { $0 > 0 } ?? true, "--context must be at least 1.")
    try require(
      prefillChunk.values.allSatisfy { $0 > 0 }, "--prefill-chunk must be at least 1.")
  }

  /// One engine's options for each combination of what engines cannot change while they run.
  var options: [EngineOptions] {
    var options = EngineOptions()
    options.threads = threads?.values.max()
    options.contextLength = context
    options.maxSequences = 1
    attention.apply(to: &options)
    machine.apply(to: &options)
    return window.values.flatMap { window in
      kvType.values.flatMap { type in
        prefillChunk.values.map { chunk in
          options.window = window
          options.keyValueType = type
          options.prefillChunk = chunk
          return options
        }
      }
    }
  }
}
