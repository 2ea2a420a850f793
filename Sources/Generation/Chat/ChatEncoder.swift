internal import Model

/// Turns a conversation into tokens: the template's markers become special tokens, what people wrote
/// never does.
struct ChatEncoder {
  let tokenizer: Tokenizer
  let template: ChatTemplate

  /// The conversation with the beginning of the assistant's next turn.
  func tokens(of messages: [ChatMessage]) -> [TokenID] {
    var tokens: [TokenID] = []
    if tokenizer.addsBOS, let bos = tokenizer.bos { tokens.append(bos) }
    let segments = template.render(messages, addGenerationPrompt: true)
      .resolved { tokenizer.token(forText: $0).map(tokenizer.isControl) ?? false }
    for segment in segments {
      switch segment {
      case .special(let spelling):
        // `resolved` has kept only those that the vocabulary has.
        if let token = tokenizer.token(forText: spelling) { tokens.append(token) }
      case .text(let text):
        tokens += tokenizer.encode(text, addSpecial: false, parseSpecial: false)
      }
    }
    return tokens
  }
}
