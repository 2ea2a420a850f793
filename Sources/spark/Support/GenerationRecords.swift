import Generation

/// A token as a JSON line.
struct TokenRecord: Encodable {
  var event = "token"
  var id: TokenID
  var text: String
  var logprob: Float?
  var topLogprobs: [Candidate]?

  struct Candidate: Encodable {
    var id: TokenID
    var logprob: Float
  }

  init(_ token: GeneratedToken) {
    id = token.id
    text = token.text
    logprob = token.logprobs?.chosen.logprob
    topLogprobs = token.logprobs?.top.map { Candidate(id: $0.token, logprob: $0.logprob) }
  }
}

/// The end of a run as a JSON line: what ``Statistics`` tells people.
struct SummaryRecord: Encodable {
  var event = "finished"
  var stopReason: String
  var promptTokens: Int
  var generatedTokens: Int
  var evictedTokens: Int
  var prefillSeconds: Double
  var decodeSeconds: Double
  var prefillTokensPerSecond: Double?
  var decodeTokensPerSecond: Double?
  var timeToFirstTokenSeconds: Double
  var residentBytes: Int?
  var peakBytes: Int?
  var keyValueBytes: Int
  var seed: UInt64
  var cachedTokens: Int
  var rereadTokens: Int
  var recalledBlocks: Int
  var recalledFromPast: Int
  var recallMisses: Int
  var droppedTokens: Int
  var recalled: [PassageRecord]?
  var drafts: DraftRecord
  var earlyTokens: Int
  var skippedLayers: Int
  var beams: BeamRecord?
  var quality: [QualityRecord]
  /// Mean of the model's distributions, in nats.
  var entropy: Float?
  var replayed: Bool
  var memo: MemoRecord?
  var conditions: RunConditions?

  /// - Parameters:
  ///   - passages: what was recalled; empty where nobody asked.
  ///   - memo: the engine's, after the reply.
  init(
    _ summary: GenerationSummary, passages: [PassageRecord], memo: MemoStatistics? = nil
  ) {
    stopReason = summary.stopReason.identifier
    promptTokens = summary.promptTokens
    generatedTokens = summary.generatedTokens
    evictedTokens = summary.evictedTokens
    prefillSeconds = summary.prefillDuration.seconds
    decodeSeconds = summary.decodeDuration.seconds
    prefillTokensPerSecond = summary.prefillTokensPerSecond
    decodeTokensPerSecond = summary.decodeTokensPerSecond
    timeToFirstTokenSeconds = summary.timeToFirstToken.seconds
    residentBytes = summary.residentBytes
    peakBytes = summary.peakBytes
    keyValueBytes = summary.keyValueBytes
    seed = summary.seed
    cachedTokens = summary.memory.cached
    rereadTokens = summary.memory.reread
    recalledBlocks = summary.memory.recalled
    recalledFromPast = summary.memory.recalledFromPast
    recallMisses = summary.memory.misses
    droppedTokens = summary.memory.dropped
    recalled = passages.isEmpty ? nil : passages
    drafts = DraftRecord(summary.drafts)
    earlyTokens = summary.exits.tokens
    skippedLayers = summary.exits.layers
    beams = summary.beams.map(BeamRecord.init)
    quality = summary.quality.findings.map(QualityRecord.init)
    entropy = summary.quality.entropy
    replayed = summary.isReplayed
    self.memo = memo.map(MemoRecord.init)
    conditions = summary.conditions
  }
}

/// What guessing tokens did.
struct DraftRecord: Encodable {
  var passes: Int
  var draftPasses: Int
  var drafted: Int
  var accepted: Int
  var lookupDrafted: Int
  var lookupAccepted: Int
  var continuationsDrafted: Int
  var continuationsAccepted: Int
  var modelDrafted: Int
  var modelAccepted: Int
  var exitDrafted: Int
  var exitAccepted: Int
  /// Passes that checked guesses of each source.
  var lookupPasses: Int
  var continuationsPasses: Int
  var modelPasses: Int
  var exitPasses: Int
  /// Time that finding or computing them took.
  var lookupSeconds: Double
  var continuationsSeconds: Double
  var modelSeconds: Double
  var exitSeconds: Double
  var tokensPerPass: Double?
  var turnedOff: Bool

  init(_ account: DraftAccount) {
    passes = account.passes
    draftPasses = account.draftPasses
    drafted = account.drafted
    accepted = account.accepted
    lookupDrafted = account.lookup.drafted
    lookupAccepted = account.lookup.accepted
    continuationsDrafted = account.continuations.drafted
    continuationsAccepted = account.continuations.accepted
    modelDrafted = account.model.drafted
    modelAccepted = account.model.accepted
    exitDrafted = account.exit.drafted
    exitAccepted = account.exit.accepted
    lookupPasses = account.lookup.passes
    continuationsPasses = account.continuations.passes
    modelPasses = account.model.passes
    exitPasses = account.exit.passes
    lookupSeconds = account.lookup.time.seconds
    continuationsSeconds = account.continuations.time.seconds
    modelSeconds = account.model.time.seconds
    exitSeconds = account.exit.time.seconds
    tokensPerPass = account.tokensPerPass
    turnedOff = account.isTurnedOff
  }
}

extension StopReason {
  /// The name in JSON, in the case of the keys.
  var identifier: String {
    switch self {
    case .endOfText: "end_of_text"
    case .stopString: "stop_string"
    case .length: "length"
    case .contextFull: "context_full"
    case .cancelled: "cancelled"
    case .deadline: "deadline"
    case .degenerate: "degenerate"
    }
  }
}
