/// What is asked of an engine: a prompt and how to answer it.
public struct GenerationRequest: Sendable {
  public var prompt: Prompt
  /// How to write chats; nil uses the model's own template.
  public var template: ChatTemplate?
  public var options: GenerationOptions

  public init(
    _ prompt: Prompt, template: ChatTemplate? = nil,
    options: GenerationOptions = GenerationOptions()
  ) {
    self.prompt = prompt
    self.template = template
    self.options = options
  }
}

/// A whole reply.
public struct Completion: Sendable {
  /// All of the reply's text.
  public var text: String
  public var tokens: [GeneratedToken]
  public var summary: GenerationSummary

  /// Reads a stream to its end.
  ///
  /// - Parameter onToken: called with each token before the next one is asked for.
  public init(
    reading stream: TokenStream, onToken: (GeneratedToken) -> Void = { _ in }
  ) async throws(EngineError) {
    var (text, tokens): (String, [GeneratedToken]) = ("", [])
    var iterator = stream.makeAsyncIterator()
    while let event = try await iterator.next() {
      switch event {
      case .token(let token):
        text += token.text
        tokens.append(token)
        onToken(token)
      case .finished(let summary):
        self.init(text: text + summary.trailingText, tokens: tokens, summary: summary)
        return
      }
    }
    throw EngineError(.prompt, "the stream had been read before; begin another one.")
  }

  private init(text: String, tokens: [GeneratedToken], summary: GenerationSummary) {
    self.text = text
    self.tokens = tokens
    self.summary = summary
  }
}
