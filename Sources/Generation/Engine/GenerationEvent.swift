public import Cascade
internal import Hardware
public import Model

/// What a token stream yields: tokens as they are made, then one summary.
public enum GenerationEvent: Sendable {
  case token(GeneratedToken)
  case finished(GenerationSummary)
}

/// One generated token.
public struct GeneratedToken: Sendable {
  public let id: TokenID
  /// The text that this token lets be shown. Empty while bytes of a character or the beginning of a
  /// stop string are held back; the texts of all tokens, and the summary's, are the reply.
  public let text: String
  /// This token's log-probability before any sampler, and those of the likeliest tokens, where they
  /// were asked for.
  public let logprobs: TokenLogprobs?
}

/// Why a reply ended.
public enum StopReason: String, Sendable {
  /// The model ended it.
  case endOfText
  /// A stop string appeared.
  case stopString
  /// The most tokens were generated.
  case length
  /// The model's context holds no more.
  case contextFull
  /// The reader's task was cancelled.
  case cancelled
  /// The time was up that ``GenerationOptions/deadline`` gave.
  case deadline
  /// It went wrong in a way that was to end it (``GenerationOptions/qualityStop``).
  case degenerate
}

/// What a reply took.
public struct GenerationSummary: Sendable {
  public let stopReason: StopReason
  /// The end of the text that no token's event has brought: what was held back when the reply was
  /// cancelled. Otherwise empty.
  public let trailingText: String
  /// Tokens of the prompt, with special tokens.
  public let promptTokens: Int
  public let generatedTokens: Int
  /// Tokens that attention no longer sees because the window slid past them.
  public let evictedTokens: Int
  /// Time spent reading the prompt.
  public let prefillDuration: Duration
  /// Time spent on the tokens after the first, waiting for the reader not counted.
  public let decodeDuration: Duration
  /// From the request to its first token.
  public let timeToFirstToken: Duration
  /// The seed that repeats this reply.
  public let seed: UInt64
  /// This process's memory at the end and at its most, in bytes; nil where the system does not say.
  public let residentBytes: Int?
  public let peakBytes: Int?
  /// Bytes of keys and values that this sequence held at the end.
  public let keyValueBytes: Int
  /// What memory did for the reply.
  public let memory: MemoryAccount
  /// What blocks that were taken over did for it.
  public let restoring: RestoreAccount
  /// What guessing tokens did for the reply.
  public let drafts: DraftAccount
  /// What leaving layers out did for the reply.
  public let exits: ExitAccount
  /// What a search has found; nil where tokens were drawn.
  public let beams: BeamReport?
  /// What prompt and reply have become, for the session's next reply; nil when its text was cut
  /// elsewhere than between two tokens.
  let sequence: KeptSequence?
  /// What went wrong in the text, as far as that can be seen without reading it.
  public internal(set) var quality = QualityAccount()
  /// Whether an earlier reply to the same request was told again (``GenerationOptions/usesMemo``): nothing was
  /// computed, and durations and sizes say so.
  public internal(set) var isReplayed = false
  /// How the machine felt meanwhile; nil where it was not watched.
  public internal(set) var conditions: RunConditions?

  /// Prompt tokens read per second, those read before not counted; nil for no measurable time.
  public var prefillTokensPerSecond: Double? {
    Self.rate(promptTokens - memory.cached, prefillDuration)
  }

  /// Tokens generated per second after the first; nil when there was no second.
  public var decodeTokensPerSecond: Double? { Self.rate(generatedTokens - 1, decodeDuration) }

  private static func rate(_ tokens: Int, _ duration: Duration) -> Double? {
    let seconds = duration / .seconds(1)
    return tokens > 0 && seconds > 0 ? Double(tokens) / seconds : nil
  }
}

extension GenerationSummary {
  /// The summary of a reply that has ended before it began.
  init(unbegun reply: Reply, stopReason: StopReason) {
    let memory = ProcessMemory()
    self.init(
      stopReason: stopReason, trailingText: "", promptTokens: reply.prompt.count,
      generatedTokens: 0, evictedTokens: 0, prefillDuration: .zero, decodeDuration: .zero,
      timeToFirstToken: .zero, seed: reply.seed, residentBytes: memory.resident,
      peakBytes: memory.peak, keyValueBytes: 0, memory: MemoryAccount(),
      restoring: RestoreAccount(), drafts: DraftAccount(), exits: ExitAccount(), beams: nil,
      sequence: nil)
  }
}
