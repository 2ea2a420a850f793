import ArgumentParser
import Evaluation
import Generation

/// The arms an evaluation compares, and how the model is run meanwhile.
struct ArmFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The arms, separated by commas: full, window, cascade, ceiling.", valueName: "names"))
  var arms = ArmList(kinds: ArmKind.allCases)

  @Option(help: "Tokens of the sliding window.")
  var window = 512

  @Option(help: "Tokens at the start of the text that stay in attention.")
  var sinks = EngineOptions().sinks

  @Option(help: "Blocks that each layer of the cascade recalls at most.")
  var recall = RecallOptions().blocks

  @Option(help: "How many of them the latest words point to.")
  var recallRouted = RecallOptions().routed

  @Option(help: "How much words must have in common with a passage to bring any back; 0: nothing.")
  var recallGate = RecallOptions().gate

  @Option(help: "Tokens from one choice of blocks to the next.")
  var recallEvery = RecallOptions().every

  @Option(help: "What a block is judged by.")
  var scorer = RecallOptions().scorer

  @Option(help: "Where recalled blocks stand.")
  var placement = RecallOptions().placement

  @Option(help: "Tokens of a block, which leaves the window and comes back as a whole.")
  var block = EngineOptions().blockLength

  @Option(
    help: ArgumentHelp(
      "Run the cascade at several values of one option: recall=0,2,4 or window=128,256.",
      valueName: "option=values"))
  var sweep: Sweep?

  @Option(name: .shortAndLong, help: "Compute threads. (default: one for each core)")
  var threads: Int?

  @Option(help: "How keys and values are kept.")
  var kvType = EngineOptions().keyValueType

  @Option(help: "Prompt tokens read in one pass.")
  var prefillChunk = EngineOptions().prefillChunk

  @Option(help: "The kernels to use. (default: the widest that this processor has)")
  var isa: InstructionSet?

  func validate() throws {
    try require(window > 0, "--window must be at least 1.")
    try require(sinks >= 0, "--sinks must not be negative.")
    try require(recall >= 0, "--recall must not be negative.")
    try require(recallEvery > 0, "--recall-every must be at least 1.")
    try require(threads.map { $0 > 0 } ?? true, "--threads must be at least 1.")
    try require(prefillChunk > 0, "--prefill-chunk must be at least 1.")
    if let sweep {
      try require(
        arms.kinds.contains { $0 == .cascade || (sweep.option == .window && $0 == .window) },
        "--sweep needs the arm that it changes: cascade.")
    }
  }

  var engine: EngineOptions {
    var options = EngineOptions()
    options.threads = threads
    options.instructionSet = isa
    options.sinks = sinks
    options.recall = RecallOptions(
      blocks: recall, routed: recallRouted, gate: recallGate, every: recallEvery, scorer: scorer,
      placement: placement)
    options.blockLength = block
    options.keyValueType = kvType
    options.prefillChunk = prefillChunk
    options.maxSequences = 1
    return options
  }

  /// The arms that were asked for.
  func list() -> [Arm] { list(arms.kinds) }

  /// The arms of `kinds`, the swept ones at each value, on engines like `base`.
  func list(_ kinds: [ArmKind], base: EngineOptions? = nil) -> [Arm] {
    let base = base ?? engine
    guard let sweep else { return kinds.map { $0.arm(base: base, window: window) } }
    return sweep.arms(kinds, base: base, window: window)
  }
}

/// Names of arms separated by commas.
struct ArmList: ExpressibleByArgument, Sendable {
  var kinds: [ArmKind]

  init(kinds: [ArmKind]) { self.kinds = kinds }

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false)
    kinds = names.compactMap { ArmKind(rawValue: String($0)) }
    guard kinds.count == names.count, Set(kinds).count == kinds.count else { return nil }
  }

  var defaultValueDescription: String { kinds.map(\.rawValue).joined(separator: ",") }
}

extension Sweep: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
