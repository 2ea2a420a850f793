public import Cascade
public import Hardware
public import Model

/// Where the model's own first layers leave off to guess.
public enum DraftExit: Sendable, Equatable {
  /// After a quarter, half or three quarters of the layers, whichever turns out to gain most.
  case automatic
  /// After so many layers.
  case layer(Int)
}

/// How an engine runs: what every request of it shares.
public struct EngineOptions: Sendable, Equatable {
  /// Compute threads; nil: one for each physical core this process may use.
  public var threads: Int?
  /// Which kernels to use; nil: the widest that the processor has.
  public var instructionSet: InstructionSet?
  /// The most tokens of a sequence with a full window; nil: the model's trained context.
  public var contextLength: Int?
  /// How much of a sequence attention sees exactly.
  public var window: Window
  /// First tokens of a sequence that stay visible when the window slides past them.
  public var sinks: Int
  /// How what has left the window comes back; nothing does with a full window.
  public var recall: RecallOptions
  /// Tokens in a block: what leaves the window, and comes back, at a time.
  public var blockLength: Int
  /// Directory in which memory outlives the engine; nil: it ends with it.
  public var store: String?
  /// The most bytes of keys and values that the store keeps on disk; nil: what suits the machine. What is
  /// pinned or in use stays, and when that fills it, nothing more is kept.
  public var storeBytes: Int?
  /// How what recurs becomes concepts.
  public var consolidation: ConsolidationOptions
  /// File to which requests for blocks are written, for `spark cache simulate`; nil: none.
  public var recordTrace: String?
  /// Number format of cached keys and values.
  public var keyValueType: KeyValueType
  /// Prompt tokens read in one pass.
  public var prefillChunk: Int
  /// Replies that are made together at most; others wait for their turn. How many there are at a time is the
  /// governor's choice, and depends on the room for their keys and values.
  public var maxSequences: Int
  /// Replies that may wait for their turn.
  public var queueLimit: Int
  /// The most bytes of memory for weights, keys and values, caches and work space; nil: what suits the machine.
  /// Replies for which there is no room wait, or make room for more urgent ones.
  public var memoryBytes: Int?
  /// How near to its limits replies may bring the machine.
  public var thermal: ThermalOptions
  /// The file of a second, smaller model with the same vocabulary that guesses tokens; nil: none. What
  /// is said stays the same.
  public var draftModel: String?
  /// Where the model's own first layers leave off to guess tokens; nil: they do not. What is said stays the
  /// same.
  public var draftExit: DraftExit?
  /// The probability that a generated token's successor must have after half or three quarters of the
  /// layers for the others to be left out; nil: none is. What is said is not the same.
  public var earlyExit: Float?
  /// Bytes that replies may take that are kept to be told again; 0: none is. See ``GenerationOptions/usesMemo``.
  public var memoBytes: Int
  /// Whether prompts are computed with the arithmetic of generated tokens, bit for bit: what was generated in
  /// one turn and is read in another leaves the same then. Slower where prompts have an arithmetic of their
  /// own, which is on processors with a matrix unit.
  public var isExact: Bool
  /// What is noted of where the time goes; nil: nothing.
  public var profiling: ProfilingOptions?

  public init(
    threads: Int? = nil, instructionSet: InstructionSet? = nil, contextLength: Int? = nil,
    window: Window = .full, sinks: Int = 4, recall: RecallOptions = RecallOptions(),
    blockLength: Int = 64, store: String? = nil, storeBytes: Int? = nil,
    consolidation: ConsolidationOptions = ConsolidationOptions(), recordTrace: String? = nil,
    keyValueType: KeyValueType = .f16,
    prefillChunk: Int = 512, maxSequences: Int = 64, queueLimit: Int = 1024,
    memoryBytes: Int? = nil,
    thermal: ThermalOptions = ThermalOptions(), draftModel: String? = nil,
    draftExit: DraftExit? = nil, earlyExit: Float? = nil, memoBytes: Int = 16 << 20,
    isExact: Bool = false,
    profiling: ProfilingOptions? = nil
  ) {
    self.threads = threads
    self.instructionSet = instructionSet
    self.contextLength = contextLength
    self.window = window
    self.sinks = sinks
    self.recall = recall
    self.blockLength = blockLength
    self.store = store
    self.storeBytes = storeBytes
    self.consolidation = consolidation
    self.recordTrace = recordTrace
    self.keyValueType = keyValueType
    self.prefillChunk = prefillChunk
    self.maxSequences = maxSequences
    self.queueLimit = queueLimit
    self.memoryBytes = memoryBytes
    self.thermal = thermal
    self.draftModel = draftModel
    self.draftExit = draftExit
    self.earlyExit = earlyExit
    self.memoBytes = memoBytes
    self.isExact = isExact
    self.profiling = profiling
  }

  /// Checks every option against its range, the model's trained context, in tokens, and its layers.
  func validate(trainedContext: Int, layers: Int) throws(OptionsError) {
    try require((1...1024).contains(threads ?? 1), "threads", "\(threads ?? 0)", "1 to 1024")
    try require(
      (1...trainedContext).contains(contextLength ?? 1), "contextLength", "\(contextLength ?? 0)",
      "between 1 and the model's trained context of \(trainedContext) tokens")
    try require(
      blockLength % 16 == 0 && (16...KVLayout.longestBlock).contains(blockLength), "block",
      "\(blockLength)", "a multiple of 16 between 16 and \(KVLayout.longestBlock)")
    try recall.validate(blockLength: blockLength)
    try consolidation.validate()
    try require(
      (0...blockLength).contains(sinks), "sinks", "\(sinks)", "between 0 and \(blockLength)")
    if case .sliding(let tokens) = window {
      let largest = max(0, trainedContext - sinks - blockLength)
      try require(
        largest >= 1, "window", "\(tokens)",
        "full, since the model's trained context of \(trainedContext) tokens is too short for a "
          + "window, \(sinks) sinks and one block")
      try require(
        tokens >= 1 && tokens <= largest, "window", "\(tokens)",
        "full or between 1 and \(largest), which with sinks and one block fits the model's "
          + "trained context of \(trainedContext) tokens")
    }
    try require(
      (storeBytes ?? .max) >= 1 << 20, "storeBytes", "\(storeBytes ?? 0)", "at least 1 MiB")
    try require(
      (1...8192).contains(prefillChunk), "prefillChunk", "\(prefillChunk)", "between 1 and 8192")
    try require(
      (1...1024).contains(maxSequences), "maxSequences", "\(maxSequences)", "between 1 and 1024")
    try require(
      (0...1_000_000).contains(queueLimit), "queueLimit", "\(queueLimit)", "between 0 and 1000000")
    try require(
      (memoryBytes ?? .max) > 0, "memoryBytes", "\(memoryBytes ?? 0)",
      "at least what the weights take")
    if case .layer(let layer) = draftExit {
      try require(
        layer >= 1 && layer < layers, "draftExit", "\(layer)",
        "auto or between 1 and \(layers - 1), since the model has \(layers) layers")
    }
    try require(memoBytes >= 0, "memoBytes", "\(memoBytes)", "0 or more")
    try require(
      (0...ProfilingOptions.mostSlices).contains(profiling?.traceSlices ?? 0), "traceSlices",
      "\(profiling?.traceSlices ?? 0)", "between 0 and \(ProfilingOptions.mostSlices)")
    if let earlyExit {
      try require(
        earlyExit > 0 && earlyExit <= 1, "earlyExit", "\(earlyExit)", "above 0 and at most 1")
    }
  }
}
