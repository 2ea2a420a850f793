/// One family of chat templates: how its models were trained to see a conversation.
///
/// Only the spellings of special tokens are written as special; the rest of a marker is text, so
/// that it is tokenized together with the message beside it, as it was in training.
protocol ChatFormat: Sendable {
  var name: String { get }

  /// The special token with which the model ends its turn.
  var turnEnd: String { get }

  /// What is written between this token and the next turn.
  var afterTurnEnd: String { get }

  /// Writes turns one after the other.
  ///
  /// - Parameter isStart: Whether the conversation begins here; otherwise the turns follow a reply.
  func write(_ messages: [ChatMessage], isStart: Bool, to prompt: inout ChatPrompt)

  /// Writes the beginning of the model's turn.
  ///
  /// - Parameter thinking: Whether a model that can be told not to think may do so.
  func writeGenerationPrompt(thinking: Bool, to prompt: inout ChatPrompt)
}

extension ChatFormat {
  /// Writes the end of a model's turn, up to the next turn.
  func writeTurnEnd(to prompt: inout ChatPrompt) {
    prompt.special(turnEnd)
    prompt.text(afterTurnEnd)
  }
}

extension [ChatMessage] {
  /// The turns of a format without a system role: system texts go in front of the next user's.
  ///
  /// - Parameter join: What becomes of a user's text, and the system texts before it, if any. It is
  ///   also called with an empty user's text if a system text comes last.
  func foldingSystem(_ join: (_ system: String?, _ user: String) -> String) -> [ChatMessage] {
    var result: [ChatMessage] = []
    var system: String?
    for message in self {
      switch message.role {
      case .system: system = system.map { $0 + "\n\n" + message.content } ?? message.content
      case .user:
        result.append(.user(join(system, message.content)))
        system = nil
      case .assistant: result.append(message)
      }
    }
    if let system { result.append(.user(join(system, ""))) }
    return result
  }
}

extension String {
  /// Without white space at both ends, like Jinja's `trim`.
  var trimmed: String {
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
  }

  /// What follows the last `</think>`; everything if there is none.
  var withoutThought: String {
    String(split(separator: "</think>", omittingEmptySubsequences: false).last ?? "")
  }

  /// The text between `<think>` and `</think>`, without line feeds around it; empty if there is none.
  var thought: String {
    let parts = split(separator: "</think>", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return "" }
    let thought = parts[0].split(separator: "<think>", omittingEmptySubsequences: false).last ?? ""
    return String(thought).withoutNewlines
  }

  /// Without line feeds at the start, like Jinja's `lstrip('\n')`.
  var withoutLeadingNewlines: String {
    String(decoding: utf8.drop { $0 == UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// Without line feeds at both ends, like Jinja's `strip('\n')`.
  var withoutNewlines: String {
    let end = utf8.lastIndex { $0 != UInt8(ascii: "\n") }
    guard let end else { return "" }
    return String(self[...end]).withoutLeadingNewlines
  }
}
