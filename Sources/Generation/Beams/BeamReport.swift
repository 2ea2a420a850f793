public import Model

/// One of the best replies that a beam search has found.
public struct BeamHypothesis: Sendable, Equatable {
  /// Its tokens, the end token included where there is one.
  public let tokens: [TokenID]
  /// Its text, as it would have been streamed.
  public let text: String
  /// Of all its tokens together.
  public let logProbability: Double
  /// What it was ranked by; see ``BeamOptions``.
  public let score: Double
  /// Why it ended.
  public let stopReason: StopReason
}

/// What a beam search has found, and what it took.
public struct BeamReport: Sendable, Equatable {
  /// The best replies, the best of all first: it is what was streamed. Empty for a search that was
  /// cancelled.
  public internal(set) var hypotheses: [BeamHypothesis] = []
  /// Passes after the prompt's.
  public internal(set) var passes = 0
  /// Times a beam was split in two.
  public internal(set) var forks = 0
  /// KV blocks that were copied because one beam wrote where another one read.
  public internal(set) var copiedBlocks = 0
  /// The most KV blocks that all beams held together.
  public internal(set) var peakBlocks = 0
  /// The most that one of them held: what a reply without beams would have taken.
  public internal(set) var singleBlocks = 0
  /// Bytes of a block.
  public internal(set) var blockBytes = 0
}
