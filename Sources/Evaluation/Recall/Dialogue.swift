package import Generation

/// A conversation whose last turn is a question to the model.
package struct Dialogue: Sendable, Equatable {
  package var messages: [ChatMessage]

  package init(messages: [ChatMessage]) { self.messages = messages }

  /// Reads lines that begin with `User: ` or `Assistant: `; other lines go on the turn before. A last
  /// `Assistant:` without a text is where the model is to answer, and no message.
  ///
  /// - Throws: if the text begins otherwise, or does not end with a question.
  package init(_ text: String) throws(DialogueError) {
    var messages: [ChatMessage] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let content = line.after("User:") {
        messages.append(.user(content))
      } else if let content = line.after("Assistant:") {
        messages.append(.assistant(content))
      } else if messages.isEmpty {
        throw DialogueError("it begins with neither \"User: \" nor \"Assistant: \"")
      } else {
        messages[messages.count - 1].content += "\n" + line
      }
    }
    for index in messages.indices { messages[index].content.trimSpace() }
    if messages.last?.role == .assistant, messages.last?.content.isEmpty == true {
      messages.removeLast()
    }
    guard messages.last?.role == .user else {
      throw DialogueError("its last turn is not a question of the user's")
    }
    self.messages = messages
  }

  package var question: ChatMessage { messages[messages.count - 1] }

  /// All but the question.
  package var history: ArraySlice<ChatMessage> { messages.dropLast() }

  /// The user's turn that told `answer`, the question not counted; nil if none did. Of several, it is
  /// the one that shares most words with the question ("9" may stand in a sum as well), the last of
  /// equals.
  package func fact(telling answer: String) -> Int? {
    let answer = Words(answer)
    let asked = Set(Words(question.content).words)
    func likeness(_ index: Int) -> Int {
      asked.intersection(Words(messages[index].content).words).count
    }
    return history.indices
      .filter { messages[$0].role == .user && Words(messages[$0].content).contains(answer) }
      .max { likeness($0) < likeness($1) || (likeness($0) == likeness($1) && $0 < $1) }
  }

  /// The first message after the turn at `index` and the reply to it.
  package func end(ofExchangeAt index: Int) -> Int {
    var end = index + 1
    while end < messages.count - 1, messages[end].role == .assistant { end += 1 }
    return end
  }

  /// The turn at `fact` with the exchanges before and after it, and the question: what the model can
  /// be expected to answer without any memory. The neighbours stay as far as `fits` lets them.
  package func near(_ fact: Int?, fits: (Dialogue) -> Bool) -> Dialogue {
    guard let fact else { return Dialogue(messages: Array(messages.suffix(3))) }
    let end = end(ofExchangeAt: fact)
    let last = messages.count - 1
    let next = end < last ? self.end(ofExchangeAt: end) : end
    var before = fact
    while before > 0, messages[before - 1].role == .assistant { before -= 1 }
    before = max(0, before - 1)
    let candidates = [before..<next, fact..<next, before..<end].map {
      Dialogue(messages: messages[$0] + [question])
    }
    return candidates.first(where: fits)
      ?? Dialogue(messages: messages[fact..<end] + [question])
  }
}

/// What is wrong with a dialogue, as the end of a sentence that names it.
package struct DialogueError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

extension Substring {
  /// What follows `prefix`; nil if it does not begin so.
  fileprivate func after(_ prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}

extension String {
  fileprivate mutating func trimSpace() {
    while last?.isWhitespace == true { removeLast() }
    self = String(drop(while: \.isWhitespace))
  }
}
