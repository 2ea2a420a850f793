/// A part of a rendered prompt, and how it may be read.
///
/// Messages are only ever in `.text`, so nobody can forge a turn by writing `<|im_start|>` into one:
/// what is written becomes the tokens of those letters. Where a model's markers are themselves
/// ordinary text (`[INST]` for Llama 2), no renderer can prevent it.
public enum ChatSegment: Sendable, Hashable {
  /// The spelling of one of the model's special tokens, to be looked up in the vocabulary.
  case special(String)
  /// Text to be tokenized without special tokens. Two never follow each other.
  case text(String)

  /// The spelling or the text.
  public var content: String {
    switch self {
    case .special(let content), .text(let content): content
    }
  }
}

extension [ChatSegment] {
  /// All of it as one string, for people. Tokenizing this string would let messages forge tokens.
  public var renderedText: String {
    reduce(into: "") { $0 += $1.content }
  }

  /// The same prompt for a vocabulary that lacks some of the special tokens: their spellings become
  /// part of the text around them, as one run for the tokenizer to merge across.
  public func resolved(where isSpecial: (String) -> Bool) -> [ChatSegment] {
    var prompt = ChatPrompt()
    for segment in self {
      switch segment {
      case .special(let spelling) where isSpecial(spelling): prompt.special(spelling)
      case .special(let content), .text(let content): prompt.text(content)
      }
    }
    return prompt.segments
  }
}

/// A prompt being written: joins neighbouring texts, because a tokenizer merges across them.
struct ChatPrompt {
  private(set) var segments: [ChatSegment] = []

  mutating func special(_ spelling: String) {
    segments.append(.special(spelling))
  }

  mutating func text(_ text: String) {
    if text.isEmpty { return }
    if case .text(let before) = segments.last {
      segments[segments.count - 1] = .text(before + text)
    } else {
      segments.append(.text(text))
    }
  }
}
