public import Scheduling

/// How one reply is generated: what the library and the command line share.
public struct GenerationOptions: Sendable, Equatable {
  /// The most tokens to generate; `nil` or a negative number: until the context is full.
  public var maxTokens: Int?
  /// How each token is chosen.
  public var sampling: SamplingOptions
  /// Texts that end the reply when they appear in it; they are not part of the reply.
  public var stopStrings: [String]
  /// Goes on past the model's end tokens (`--ignore-eos`).
  public var ignoresEndTokens: Bool
  /// Seeds the draws: the same seed repeats a reply. `nil`: the caller chooses one at random and
  /// reports it.
  public var seed: UInt64?
  /// How many of the likeliest tokens to report at each step, with their log-probabilities;
  /// 0 reports none.
  public var logprobs: Int
  /// Whose memory the reply draws on, and adds to.
  public var memory: MemoryOptions
  /// Whether tokens are guessed before the model is asked; what is said is the same.
  public var drafts: DraftOptions
  /// Who goes first where replies are more than the machine makes at a time.
  public var priority: Priority
  /// Time from the request after which nobody wants the reply any more: it ends with what it has. Nil: never.
  public var deadline: Duration?
  /// Looks for the likeliest reply instead of drawing one; nil: draws.
  public var beams: BeamOptions?
  /// What ends a reply when it goes wrong so (``StopReason/degenerate``): what was told by then stays told. All kinds
  /// are found in any case (``GenerationSummary/quality``).
  public var qualityStop: Set<QualityKind>
  /// Whether the engine may tell the reply again that it has made for the same request, rather than to make it anew,
  /// where it would come to the same: greedy, with beams, or with a seed given, and with nobody's memory but its own.
  public var usesMemo: Bool

  public init(
    maxTokens: Int? = 512,
    sampling: SamplingOptions = SamplingOptions(),
    stopStrings: [String] = [],
    ignoresEndTokens: Bool = false,
    seed: UInt64? = nil,
    logprobs: Int = 0,
    memory: MemoryOptions = MemoryOptions(),
    drafts: DraftOptions = DraftOptions(),
    priority: Priority = .normal,
    deadline: Duration? = nil,
    beams: BeamOptions? = nil,
    qualityStop: Set<QualityKind> = [],
    usesMemo: Bool = true
  ) {
    self.maxTokens = maxTokens
    self.sampling = sampling
    self.stopStrings = stopStrings
    self.ignoresEndTokens = ignoresEndTokens
    self.seed = seed
    self.logprobs = logprobs
    self.memory = memory
    self.drafts = drafts
    self.priority = priority
    self.deadline = deadline
    self.beams = beams
    self.qualityStop = qualityStop
    self.usesMemo = usesMemo
  }

  /// Checks every option against its range.
  ///
  /// - Parameter vocabularySize: The number of tokens of the model, once it is known; without it
  ///   the ids in `sampling.logitBias` are only checked not to be negative.
  public func validate(vocabularySize: Int? = nil) throws(OptionsError) {
    // An empty stop string would be found before the first byte of every reply.
    try require(
      !stopStrings.contains(""), "stopStrings", "an empty text", "texts of at least one character")
    try require((0...100).contains(logprobs), "logprobs", "\(logprobs)", "between 0 and 100")
    try require(
      deadline.map { $0 > .zero } ?? true, "deadline", "\(deadline ?? .zero)",
      "more than no time at all")
    try drafts.validate()
    try beams?.validate()
    try sampling.validate(vocabularySize: vocabularySize)
  }
}
