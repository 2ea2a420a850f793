public import ArgumentParser
public import Generation

/// How the model is run: threads, context, what stays in attention.
struct EngineFlags: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "Compute threads. (default: one for each core this process may use)")
  var threads: Int?

  @Option(help: "Tokens of context to make room for. (default: what the model was trained for)")
  var context: Int?

  @Option(
    help: ArgumentHelp(
      "What stays in attention: full, or the last N tokens beside the sinks. "
        + "(default: full; 512 with --memory namespace)", valueName: "full|n"))
  var window: Window?

  @Option(help: "Tokens at the start of the text that stay in attention when a window slides.")
  var sinks = EngineOptions().sinks

  @Option(
    help: ArgumentHelp(
      "Blocks from before the window that each layer may bring back; 0 brings back none.",
      valueName: "r"))
  var recall = RecallOptions().blocks

  @Option(
    help: ArgumentHelp(
      "How many of them are those that the latest words point to, in every layer.", valueName: "n"))
  var recallRouted = RecallOptions().routed

  @Option(
    help: ArgumentHelp(
      "How much the latest words must have in common with a passage to bring any back; 0: nothing.",
      valueName: "strictness"))
  var recallGate = RecallOptions().gate

  @Option(help: "Tokens from one choice of such blocks to the next.")
  var recallEvery = RecallOptions().every

  @Option(help: "What blocks are chosen by.")
  var scorer = RecallOptions().scorer

  @Option(help: "Where such blocks stand before the window.")
  var placement = RecallOptions().placement

  @Option(help: "Tokens in a block, a multiple of 16.")
  var block = EngineOptions().blockLength

  @Option(help: "How keys and values are kept.")
  var kvType = EngineOptions().keyValueType

  @Option(help: "Prompt tokens read in one pass.")
  var prefillChunk = EngineOptions().prefillChunk

  @Option(help: "The kernels to use. (default: the widest that this processor has)")
  var isa: InstructionSet?

  func validate() throws {
    try require(threads.map { $0 > 0 } ?? true, "--threads must be at least 1.")
    try require(context.map { $0 > 0 } ?? true, "--context must be at least 1.")
    try require(sinks >= 0, "--sinks must not be negative.")
  }

  var options: EngineOptions {
    var options = EngineOptions()
    options.threads = threads
    options.contextLength = context
    if let window { options.window = window }
    options.sinks = sinks
    options.recall = RecallOptions(
      blocks: recall, routed: recallRouted, gate: recallGate, every: recallEvery, scorer: scorer,
      placement: placement)
    options.blockLength = block
    options.keyValueType = kvType
    options.prefillChunk = prefillChunk
    options.instructionSet = isa
    // One reply at a time: room in the cache for more would be memory for nothing.
    options.maxSequences = 1
    return options
  }
}

extension KeyValueType: ExpressibleByArgument {}
extension RecallOptions.Scorer: ExpressibleByArgument {}
extension RecallOptions.Placement: ExpressibleByArgument {}

extension InstructionSet: ExpressibleByArgument {}

/// `full` or a number of tokens.
extension Window: ExpressibleByArgument {
  public init?(argument: String) {
    if argument == "full" {
      self = .full
    } else if let tokens = Int(argument), tokens > 0 {
      self = .sliding(tokens: tokens)
    } else {
      return nil
    }
  }

  public var defaultValueDescription: String {
    switch self {
    case .full: "full"
    case .sliding(let tokens): "\(tokens)"
    }
  }
}

/// Refuses wrong usage in one line.
func require(_ condition: Bool, _ message: String) throws {
  guard condition else { throw ValidationError(message) }
}
