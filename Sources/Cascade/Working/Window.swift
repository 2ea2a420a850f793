/// How much of a sequence attention sees exactly.
public enum Window: Sendable, Equatable {
  /// Everything, up to the model's trained context.
  case full
  /// The first few tokens ("sinks") and at least the last `tokens`, in whole blocks: between
  /// `tokens` and `tokens` plus one block are seen.
  case sliding(tokens: Int)
}
