/// How episodes become concepts.
public struct ConsolidationOptions: Sendable, Equatable {
  /// Whether an engine consolidates by itself, in calm after replies that may recall a namespace.
  public var isAutomatic: Bool
  /// Days in which counts fade by half.
  public var halfLifeDays: Double
  /// How much of what two statements say has to be the same: the share of their telling words' weight that
  /// they have in common (Jaccard 1912), 0 to 1.
  public var similarity: Float
  /// How often, faded, replies must have recalled a passage for its statements to become concepts
  /// though nothing else says them.
  public var recalls: Double
  /// Bytes that the keys and values of one namespace's concepts may take.
  public var budgetBytes: Int

  public init(
    isAutomatic: Bool = true, halfLifeDays: Double = 30, similarity: Float = 0.5,
    recalls: Double = 2, budgetBytes: Int = 64 << 20
  ) {
    self.isAutomatic = isAutomatic
    self.halfLifeDays = halfLifeDays
    self.similarity = similarity
    self.recalls = recalls
    self.budgetBytes = budgetBytes
  }

  package var decay: Decay { Decay(halfLife: halfLifeDays * 86_400) }
}
