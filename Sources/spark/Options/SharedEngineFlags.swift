public import ArgumentParser
public import Generation

/// How the model is run, wherever it is: threads, kernels, blocks and what comes back of them.
struct SharedEngineFlags: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "Compute threads. (default: one for each core this process may use)")
  var threads: Int?

  @OptionGroup var attention: AttentionFlags

  @Option(help: "How keys and values are kept.")
  var kvType = EngineOptions().keyValueType

  @Option(help: "Prompt tokens read in one pass.")
  var prefillChunk = EngineOptions().prefillChunk

  @OptionGroup var machine: MachineFlags

  func validate() throws {
    try require(threads.map { $0 > 0 } ?? true, "--threads must be at least 1.")
    try require(prefillChunk > 0, "--prefill-chunk must be at least 1.")
  }

  /// Tokens in a block.
  var block: Int { attention.block }

  /// For one reply at a time: room in the cache for more would be memory for nothing.
  var options: EngineOptions {
    var options = EngineOptions()
    options.threads = threads
    attention.apply(to: &options)
    options.keyValueType = kvType
    options.prefillChunk = prefillChunk
    options.maxSequences = 1
    machine.apply(to: &options)
    return options
  }
}

/// What of the machine is used.
struct MachineFlags: ParsableArguments {
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

  /// Says what the flags say; all else stays as it is.
  func apply(to options: inout EngineOptions) {
    options.memoryBytes = memoryBudget?.bytes
    options.instructionSet = isa
    options.isExact = exact
  }
}

extension KeyValueType: ExpressibleByArgument {}
extension RecallOptions.Scorer: ExpressibleByArgument {}
extension RecallOptions.Placement: ExpressibleByArgument {}
extension InstructionSet: ExpressibleByArgument {}
