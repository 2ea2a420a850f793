/// The words of a text, runs of letters and digits in lower case: what it says whatever its
/// punctuation.
package struct Words: Sendable, Equatable {
  package let words: [String]

  package init(_ text: String) {
    words = text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }

  /// Whether `other` occurs in one piece. Words are whole: "Leo" is not in "Leopold".
  package func contains(_ other: Words) -> Bool {
    guard let first = other.words.first else { return false }
    return words.indices.contains { start in
      words[start] == first && words[start...].starts(with: other.words)
    }
  }

  package var count: Int { words.count }
}
