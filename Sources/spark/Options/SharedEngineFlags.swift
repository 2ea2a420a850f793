public import ArgumentParser
public import Generation

/// How the model is run, wherever it is: threads, kernels, blocks and what comes back of them.
struct SharedEngineFlags: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "Compute threads. (default: one for each core this process may use)")
  var threads: Int?

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

  @Option(
    help: ArgumentHelp(
      "The most memory for weights, keys and values, caches and work space, such as 4G. (default: what suits the machine)",
      valueName: "size"))
  var memoryBudget: ByteSize?

  @Option(help: "The kernels to use. (default: the widest that this processor has)")
  var isa: InstructionSet?

  @Flag(
    help: ArgumentHelp(
      "Compute prompts with the arithmetic of generated tokens.",
      discussion:
        "On processors with a matrix unit prompts have one of their own, several times as fast: what was generated and is read again as part of a prompt then differs in the last bits."
    ))
  var exact = false

  func validate() throws {
    try require(threads.map { $0 > 0 } ?? true, "--threads must be at least 1.")
    try require(sinks >= 0, "--sinks must not be negative.")
    try require(recall >= 0, "--recall must not be negative.")
    try require(recallEvery > 0, "--recall-every must be at least 1.")
    try require(prefillChunk > 0, "--prefill-chunk must be at least 1.")
  }

  /// For one reply at a time: room in the cache for more would be memory for nothing.
  var options: EngineOptions {
    var options = EngineOptions()
    options.threads = threads
    options.instructionSet = isa
    options.isExact = exact
    options.sinks = sinks
    options.recall = RecallOptions(
      blocks: recall, routed: recallRouted, gate: recallGate, every: recallEvery, scorer: scorer,
      placement: placement)
    options.blockLength = block
    options.keyValueType = kvType
    options.prefillChunk = prefillChunk
    options.maxSequences = 1
    options.memoryBytes = memoryBudget?.bytes
    return options
  }
}

extension KeyValueType: ExpressibleByArgument {}
extension RecallOptions.Scorer: ExpressibleByArgument {}
extension RecallOptions.Placement: ExpressibleByArgument {}
extension InstructionSet: ExpressibleByArgument {}
