internal import Cascade
package import Model

/// One reply: what was asked, and, once its first token has been, the state of its making.
///
/// It is `Sendable`, unchecked: what changes is touched only on the engine's compute thread.
package final class Reply: @unchecked Sendable {
  let prompt: [TokenID]
  let options: GenerationOptions
  let seed: UInt64
  let begun: ContinuousClock.Instant
  /// Whether the reply goes on from text rather than beginning a turn.
  let isContinuation: Bool
  /// Tokens that end this reply beside the model's own.
  let turnEnds: Set<TokenID>
  /// What the prompt's first tokens have become in the session's earlier replies; nil when there are
  /// none.
  let sequence: KeptSequence?

  /// Called on the compute thread after each chunk of the prompt, with the tokens read so far.
  let onPrefill: @Sendable (Int) -> Void

  /// The session's name when nobody gave it one.
  let ownSession: String

  /// Nil before the first token is asked for, and again after the end.
  var state: ReplyState?
  var isEnded = false
  /// Whether the machine is watched for this reply.
  var isMonitored = false

  package init(
    prompt: [TokenID], options: GenerationOptions, seed: UInt64, isContinuation: Bool = true,
    turnEnds: Set<TokenID> = [], sequence: KeptSequence? = nil,
    begun: ContinuousClock.Instant = .now,
    onPrefill: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.prompt = prompt
    self.options = options
    self.seed = seed
    self.begun = begun
    self.onPrefill = onPrefill
    ownSession = "reply-\(UInt64.random(in: .min ... .max))"
    self.isContinuation = isContinuation
    self.turnEnds = turnEnds
    self.sequence = sequence
  }
}

/// A reply in the making: its memory, its sampler, and the text it is about to show.
struct ReplyState {
  let memory: SequenceMemory
  var sampler: Sampler
  var text: ReplyText
  /// Blocks that the reply may come to hold, set aside when it began.
  let reservedBlocks: Int
  /// Nil where nothing is to be guessed.
  var drafter: Drafter?
  /// Tokens that have been sampled and not yet told.
  var sampled: SampledTokens
  /// The last token and a draft behind it: what a pass is given.
  var rows: [TokenID] = []
  /// Whether memory has been given what the reply has made.
  var isKept = false
  var generated = 0
  var lastToken: TokenID = 0
  var stopReason: StopReason?
  var prefillDuration = Duration.zero
  var decodeDuration = Duration.zero
  var timeToFirstToken = Duration.zero

  /// - Parameter rows: the most that a pass is given.
  init(
    memory: SequenceMemory, sampler: Sampler, text: ReplyText, reservedBlocks: Int,
    drafter: Drafter?, rows: Int
  ) {
    self.memory = memory
    self.sampler = sampler
    self.text = text
    self.reservedBlocks = reservedBlocks
    self.drafter = drafter
    sampled = SampledTokens(capacity: rows)
    self.rows.reserveCapacity(rows)
  }
}
