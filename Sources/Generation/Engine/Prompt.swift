public import Model

/// What a reply is generated from.
public enum Prompt: Sendable {
  /// Text to continue. Special tokens in it are read as plain text.
  case text(String)
  /// Tokens to continue, as they are.
  case tokens([TokenID])
  /// A conversation to answer, in the model's own chat format.
  case chat([ChatMessage])
}
