/// What was seen to go wrong in a reply, as it was made.
public struct QualityAccount: Sendable, Equatable {
  /// What was found, in the order in which it was noticed: the first ``most``, and the first of
  /// each kind that is not among them.
  public internal(set) var findings: [QualityFinding] = []
  /// The mean entropy of the model's distributions, in nats, of those tokens at which it was measured; nil where
  /// none was.
  public internal(set) var entropy: Float?

  /// Findings that are told, but for first ones of their kind.
  public static let most = 16

  public init() {}
}

/// One thing that went wrong, and where.
public struct QualityFinding: Sendable, Equatable, Codable {
  public internal(set) var kind: QualityKind
  /// The first token that it is about, counted in the reply from 0. What is measured every few tokens is known
  /// that closely.
  public internal(set) var firstToken: Int
  /// Tokens from there on; it may have gone on when the reply ended.
  public internal(set) var tokens: Int
  /// Tokens that come again in a loop; nil for the other kinds.
  public internal(set) var period: Int?

  /// How often a loop's tokens come, the last time perhaps not to their end.
  public var repetitions: Double? { period.map { Double(tokens) / Double($0) } }
}
