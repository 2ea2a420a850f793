package import Generation

/// Exchanges that have nothing to do with a question, to put between it and its answer.
package struct Filler: Sendable {
  /// A user's turn and the reply to it.
  package struct Exchange: Sendable, Equatable {
    package let user: String
    package let assistant: String
    /// What is said in it, looked at for every item.
    fileprivate let words: Set<String>

    package init(user: String, assistant: String) {
      (self.user, self.assistant) = (user, assistant)
      words = Set(Words(user + " " + assistant).words)
    }

    var text: String { user + "\n" + assistant }
    package var messages: [ChatMessage] { [.user(user), .assistant(assistant)] }
  }

  package var exchanges: [Exchange]

  package init(exchanges: [Exchange]) { self.exchanges = exchanges }

  /// The exchanges of `items` in which the user tells and asks nothing about himself or herself:
  /// stories, and general questions. A statement could contradict another item's answer.
  package init(items: [RecallItem]) {
    let personal: Set = [
      "i", "my", "me", "mine", "myself", "we", "our", "us", "you", "your", "remember", "secret",
      "hidden", "code", "password", "key",
    ]
    exchanges = items.flatMap { item -> [Exchange] in
      let messages = item.dialogue.messages
      return messages.indices.dropLast().compactMap { index in
        guard messages[index].role == .user, messages[index + 1].role == .assistant else {
          return nil
        }
        let exchange = Exchange(
          user: messages[index].content, assistant: messages[index + 1].content)
        let isStory = Words(exchange.assistant).count >= 60
        let asks = Words(exchange.user)
        let isQuestion =
          exchange.user.hasSuffix("?") && asks.count <= 15
          && personal.isDisjoint(with: asks.words)
        return isStory || isQuestion ? exchange : nil
      }
    }
  }

  /// The passages of a text, which are parted by empty lines or `<|endoftext|>`, each read aloud by
  /// the assistant. Short ones are joined, long ones cut at the end of a sentence.
  package init(text: String) {
    var passages: [String] = []
    var passage = ""
    func close() {
      if !passage.isEmpty { passages.append(passage) }
      passage = ""
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.allSatisfy(\.isWhitespace) || line == "<|endoftext|>" {
        if passage.utf8.count >= 400 { close() }
        continue
      }
      for sentence in line.sentences {
        passage += (passage.isEmpty ? "" : " ") + sentence
        if passage.utf8.count >= 1000 { close() }
      }
    }
    close()
    exchanges = passages.map { Exchange(user: "Read on, please.", assistant: $0) }
  }

  /// Those that share no telling word with the question or the answer of `item`, in an order of their
  /// own.
  package func suited(
    to item: RecallItem, using random: inout SeededGenerator
  ) -> [Exchange] {
    let telling = Set(
      Words(item.answer).words
        + Words(item.dialogue.question.content).words.filter {
          $0.count >= 4 && !Self.common.contains($0)
        })
    return exchanges.filter { $0.words.isDisjoint(with: telling) }.shuffled(using: &random)
  }

  /// Words of questions that stories may use as well.
  private static let common: Set<String> = [
    "what", "which", "where", "when", "that", "this", "with", "have", "does", "tell", "told",
    "said",
    "know", "name", "please", "again", "once", "more", "about", "before", "could", "would",
    "should",
    "from", "remember", "remind", "another", "like", "best", "well", "back", "your", "there",
  ]
}

extension Substring {
  /// Its sentences, each with its end mark, without the space between them.
  var sentences: [Substring] {
    var sentences: [Substring] = []
    var start = firstIndex { !$0.isWhitespace } ?? endIndex
    var index = start
    while index < endIndex {
      let next = self.index(after: index)
      if ".!?".contains(self[index]), next == endIndex || self[next].isWhitespace {
        sentences.append(self[start..<next])
        start = next
        while start < endIndex, self[start].isWhitespace { start = self.index(after: start) }
        index = start
      } else {
        index = next
      }
    }
    if start < endIndex { sentences.append(self[start...]) }
    return sentences
  }
}
