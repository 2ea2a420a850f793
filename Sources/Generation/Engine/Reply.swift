internal import Cascade
package import Model
internal import Scheduling
internal import Synchronization

/// One reply: what was asked, and, once its first token has been, the state of its making.
///
/// It is `Sendable`, unchecked: what changes is touched only on the engine's compute thread, but for
/// whether it is cancelled.
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

  /// Its number among the replies of its engine that have not ended; nil before its first event is asked for.
  var id: UInt64?
  /// Nil before it begins, and again after the end.
  var state: ReplyState?
  package internal(set) var isEnded = false
  /// Whether the machine is watched for this reply.
  var isMonitored = false

  typealias Waiter = CheckedContinuation<Result<GenerationEvent?, EngineError>, Never>

  /// Who waits for its next events, one each.
  private(set) var waiters: [Waiter] = []
  /// Its end, where that has come while nobody waited.
  var untold: GenerationEvent?
  /// Who goes first; at first as the options have it.
  var priority: Priority
  /// What it is kept by once it has ended; nil where it is not to be.
  var requestKey: RequestKey?
  /// What was told of it, to be kept; nil where it is not to be.
  var recording: [GeneratedToken]?
  /// An earlier reply that it repeats; nil where it is made.
  var replay: Replay?

  /// Whose it is.
  var owner: MemoryOwner {
    MemoryOwner(
      scope: options.memory.scope, namespace: options.memory.namespace,
      session: options.memory.session ?? ownSession, explains: options.memory.explains)
  }

  /// Whether its prompt is still being read.
  var isReading: Bool { state.map { $0.memory.count < prompt.count } ?? true }

  private let cancellation = Atomic(false)

  /// Whether nobody wants more of it.
  package var isCancelled: Bool { cancellation.load(ordering: .relaxed) }

  func wait(_ waiter: Waiter) { waiters.append(waiter) }

  /// Who has waited longest.
  func takeWaiter() -> Waiter? { waiters.isEmpty ? nil : waiters.removeFirst() }

  /// Has it end before its next pass.
  package func cancel() { cancellation.store(true, ordering: .relaxed) }

  package init(
    prompt: [TokenID], options: GenerationOptions, seed: UInt64, isContinuation: Bool = true,
    turnEnds: Set<TokenID> = [], sequence: KeptSequence? = nil,
    begun: ContinuousClock.Instant = .now,
    onPrefill: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.prompt = prompt
    self.options = options
    priority = options.priority
    self.seed = seed
    self.begun = begun
    self.onPrefill = onPrefill
    ownSession = "reply-\(UInt64.random(in: .min ... .max))"
    self.isContinuation = isContinuation
    self.turnEnds = turnEnds
    self.sequence = sequence
  }
}

/// A reply's part in a pass.
package struct Turn {
  package let reply: Reply
  /// The most rows that it may have, at least one.
  package var rows: Int

  package init(_ reply: Reply, rows: Int) {
    self.reply = reply
    self.rows = rows
  }
}

/// A reply in the making: its memory, its sampler, and the text it is about to show.
struct ReplyState {
  /// With beams, that of one of them.
  var memory: SequenceMemory
  var sampler: Sampler
  var text: ReplyText
  /// Blocks that the reply may come to hold.
  let blocks: Int
  /// Those of them that are set aside: all, but for while it is parked.
  var reservedBlocks: Int
  /// Nil where tokens are drawn.
  var beams: BeamState?
  /// Nil where nothing is to be guessed.
  var drafter: Drafter?
  /// Tokens that have been sampled and not yet told.
  var sampled: SampledTokens
  /// The last token and a draft behind it: what a pass is given.
  var rows: [TokenID] = []
  /// The part of the prompt that the pass in hand reads; nil when the prompt is read.
  var chunk: Range<Int>?
  /// The first of its rows' logits in the pass in hand.
  var firstLogit = 0
  /// What passes took since the last token was told.
  var spent = Duration.zero
  /// Whether memory has been given what the reply has made.
  var isKept = false
  /// Whether nothing is kept of it, as memory could not be taken back to what was told.
  var leavesNothing = false
  var generated = 0
  /// What goes wrong in what was told.
  var quality: QualityMonitor
  /// What was left out.
  var exits = ExitAccount()
  var lastToken: TokenID = 0
  var stopReason: StopReason?
  var prefillDuration = Duration.zero
  var decodeDuration = Duration.zero
  var timeToFirstToken = Duration.zero

  /// - Parameter rows: the most that a pass is given.
  init(
    memory: SequenceMemory, sampler: Sampler, text: ReplyText, reservedBlocks: Int,
    beams: BeamState?, drafter: Drafter?, rows: Int, quality: QualityMonitor
  ) {
    self.quality = quality
    self.memory = memory
    self.sampler = sampler
    self.text = text
    blocks = reservedBlocks
    self.reservedBlocks = reservedBlocks
    self.beams = beams
    self.drafter = drafter
    sampled = SampledTokens(capacity: rows)
    self.rows.reserveCapacity(rows)
  }
}
