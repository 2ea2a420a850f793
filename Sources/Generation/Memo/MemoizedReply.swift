internal import Cache
internal import Cascade
internal import Hardware
internal import Model

/// A reply that was told to its end, as it is kept to be told again.
struct MemoizedReply: Sendable {
  let tokens: [GeneratedToken]
  let summary: GenerationSummary
  /// Blocks that it has left in memory. While one of them is gone, the reply has to be made anew, so that
  /// memory has what it would have.
  let trace: [BlockIdentity]

  /// Bytes that it takes, nearly: what arrays and texts allocate beside their contents is not known.
  var byteCount: Int {
    var bytes = MemoryLayout<Self>.size + trace.count * MemoryLayout<BlockIdentity>.stride
    for token in tokens {
      bytes += MemoryLayout<GeneratedToken>.stride + Self.heapBytes(token.text)
      if let logprobs = token.logprobs {
        bytes += 32 + logprobs.top.count * MemoryLayout<TokenLogprob>.stride
      }
    }
    for hypothesis in summary.beams?.hypotheses ?? [] {
      bytes += MemoryLayout<BeamHypothesis>.stride + Self.heapBytes(hypothesis.text)
      bytes += hypothesis.tokens.count * MemoryLayout<TokenID>.stride
    }
    return bytes
  }

  /// Texts of up to 15 bytes have none.
  private static func heapBytes(_ text: String) -> Int {
    text.utf8.count > 15 ? text.utf8.count + 32 : 0
  }
}

/// How far a reply has been told again.
struct Replay: Sendable {
  let reply: MemoizedReply
  var told = 0
  var timeToFirstToken = Duration.zero
}

extension GenerationSummary {
  /// Whether the same request would have come to the same reply again, as far as its making tells.
  var isRepeatable: Bool {
    switch stopReason {
    case .cancelled, .deadline: return false
    case .endOfText, .stopString, .length, .contextFull, .degenerate: break
    }
    // Without what was not there in time, or not kept, another text may come of it.
    return memory.misses == 0 && memory.dropped == 0 && memory.reread == 0
  }

  /// The summary of a reply that is told again: what it says of the text is as it was, and what it says of the
  /// work is what was done now, which is none.
  ///
  /// - Parameters:
  ///   - stopReason: why it was broken off; nil: it was told to its end.
  ///   - trailingText: what was held back then.
  init(
    _ replay: Replay, of reply: Reply, stopReason: StopReason? = nil, trailingText: String? = nil
  ) {
    let (made, process) = (replay.reply.summary, ProcessMemory())
    var memory = made.memory
    memory.cached = 0
    self.init(
      stopReason: stopReason ?? made.stopReason, trailingText: trailingText ?? made.trailingText,
      promptTokens: made.promptTokens, generatedTokens: replay.told,
      evictedTokens: made.evictedTokens, prefillDuration: .zero, decodeDuration: .zero,
      timeToFirstToken: replay.timeToFirstToken, seed: reply.seed,
      residentBytes: process.resident, peakBytes: process.peak, keyValueBytes: 0, memory: memory,
      restoring: RestoreAccount(), drafts: DraftAccount(), exits: made.exits, beams: made.beams,
      sequence: nil)
    isReplayed = true
    quality = made.quality
  }
}
