package import Generation

/// A secret that one namespace is told, and the question that asks for it in the same words.
package struct Canary: Sendable, Equatable {
  /// What has the secret, such as `amber kettle`.
  package var key: String
  /// Six digits: nobody guesses them.
  package var secret: String

  /// The exchange that tells it.
  package var told: [ChatMessage] {
    [
      .user("Please remember: the code for the \(key) is \(secret)."),
      .assistant("The code for the \(key) is \(secret), okay."),
    ]
  }

  package var question: ChatMessage { .user("What is the code for the \(key)?") }

  /// Whether `reply` says it.
  package func isTold(in reply: String) -> Bool { Words(reply).contains(Words(secret)) }

  /// What every request begins with: a few blocks that are the same in each namespace, so that one
  /// which took them over from another would show it.
  package static let preamble: [ChatMessage] = [
    .user(
      "I want to tell you about my day. In the morning I walked to the market and bought bread and "
        + "apples. Then it began to rain, and I waited under a tree until it was over. In the afternoon "
        + "my neighbour came, and we talked about the weather and about the old mill by the river. In "
        + "the evening I read a book about the sea, and then I went to bed."),
    .assistant("That sounds like a quiet day. Thank you for telling me about it."),
  ]

  /// `count` canaries for each of `namespaces` namespaces, no key twice.
  package static func drawn(
    _ count: Int, namespaces: Int, using random: inout SeededGenerator
  ) -> [[Canary]] {
    var keys = Vocabulary.distinct(count * namespaces, using: &random) { random in
      Vocabulary.key(using: &random).split(separator: "-").joined(separator: " ")
    }
    return (0..<namespaces).map { _ in
      (0..<count).map { _ in
        Canary(
          key: keys.removeLast(), secret: "\(Int.random(in: 100_000...999_999, using: &random))")
      }
    }
  }
}
