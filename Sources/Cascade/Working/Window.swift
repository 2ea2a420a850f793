/// How much of a sequence attention sees exactly.
public enum Window: Sendable, Equatable {
  /// Everything, up to the model's trained context.
  case full
  /// The first few tokens ("sinks") and at least the last `tokens`, in whole blocks: between
  /// `tokens` and `tokens` plus one block are seen.
  case sliding(tokens: Int)

  /// The window that leaves a model of so much trained context room for what comes back, and comes off
  /// best in dialogues (docs/cascade.md): 512 tokens, or a quarter of the context if that is less.
  public static func remembering(trainedContext: Int) -> Window {
    .sliding(tokens: max(1, min(512, trainedContext / 4)))
  }
}
