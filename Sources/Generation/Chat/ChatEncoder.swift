internal import Model

/// Turns a conversation into tokens: the template's markers become special tokens, what people wrote
/// never does.
struct ChatEncoder {
  let tokenizer: Tokenizer
  let template: ChatTemplate

  /// The conversation with the beginning of the assistant's next turn.
  func tokens(of messages: [ChatMessage]) -> [TokenID] {
    var tokens = tokens(of: template.render(messages, addGenerationPrompt: true))
    // Some models begin with the marker of the first turn, which must not be written twice.
    if tokenizer.addsBOS || template.beginsWithBOS, let bos = tokenizer.bos, tokens.first != bos {
      tokens.insert(bos, at: 0)
    }
    return tokens
  }

  /// What follows a reply of which the model has ended no turn yet: its end, the turns behind it, and the
  /// beginning of the assistant's next one.
  func tokens(behindReply messages: [ChatMessage]) -> [TokenID] {
    let end = template.turnEnds.map { ChatSegment.special($0) }
    return tokens(of: end + template.renderContinuation(messages))
  }

  private func tokens(of segments: [ChatSegment]) -> [TokenID] {
    var tokens: [TokenID] = []
    for segment in segments.resolved(where: { special($0) != nil }) {
      switch segment {
      case .special(let spelling):
        // `resolved` has kept only those that the vocabulary has.
        if let token = special(spelling) { tokens.append(token) }
      case .text(let text):
        tokens += tokenizer.encode(text, addSpecial: false, parseSpecial: false)
      }
    }
    return tokens
  }

  private func special(_ spelling: String) -> TokenID? {
    tokenizer.token(forText: spelling).flatMap { tokenizer.isControl($0) ? $0 : nil }
  }

  /// What ends the assistant's turn: tokens where the vocabulary has them, else texts.
  var turnEnds: (tokens: Set<TokenID>, texts: [String]) {
    var ends: (tokens: Set<TokenID>, texts: [String]) = ([], [])
    for spelling in template.turnEnds where !spelling.isEmpty {
      if let token = special(spelling) {
        ends.tokens.insert(token)
      } else {
        ends.texts.append(spelling)
      }
    }
    return ends
  }
}
