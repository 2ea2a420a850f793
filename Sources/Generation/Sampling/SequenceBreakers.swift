public import Model

/// The token sequences that end a repetition for DRY: how a tokenizer may spell the breaker texts.
public struct SequenceBreakers: Sendable {
  /// By token: whether it holds a whole breaker. Empty when there are none at all.
  private var alone: [Bool]
  /// By first token: the rest of each longer sequence.
  private var tails: [TokenID: [[TokenID]]] = [:]

  /// No breakers.
  public static let none = SequenceBreakers(vocabularySize: 0)

  private init(vocabularySize: Int) {
    alone = [Bool](repeating: false, count: vocabularySize)
  }

  /// Breakers given as sequences of token ids; empty ones are ignored.
  public init(_ sequences: [[TokenID]], vocabularySize: Int) {
    self.init(vocabularySize: vocabularySize)
    for sequence in sequences { insert(sequence) }
  }

  /// Finds the spellings of each of `texts`.
  ///
  /// A token whose bytes contain a text breaks alone. A token whose bytes end with the beginning
  /// of a text breaks together with the tokens of the remainder. This reads the vocabulary once
  /// for every text: do it when the model is loaded, not for every reply.
  ///
  /// - Parameters:
  ///   - vocabularySize: The number of tokens.
  ///   - piece: The bytes of a token.
  ///   - encode: The tokens of some bytes, without special tokens and without a leading space.
  public init(
    _ texts: [String], vocabularySize: Int, piece: (TokenID) -> [UInt8],
    encode: ([UInt8]) -> [TokenID]
  ) {
    self.init(vocabularySize: vocabularySize)
    let texts = texts.map { Array($0.utf8) }.filter { !$0.isEmpty }
    for token in 0..<TokenID(vocabularySize) {
      let bytes = piece(token)
      for text in texts {
        if contains(bytes, text) {
          alone[Int(token)] = true
          continue
        }
        for overlap in 1..<max(1, min(text.count, bytes.count + 1))
        where bytes.suffix(overlap) == text.prefix(overlap) {
          let tail = encode(Array(text.dropFirst(overlap)))
          // As in llama.cpp, so that a long breaker cannot make every step slow.
          insert([token] + tail.prefix(20))
        }
      }
    }
  }

  private mutating func insert(_ sequence: [TokenID]) {
    guard let head = sequence.first else { return }
    if sequence.count == 1 {
      alone[Int(head)] = true
    } else if tails[head]?.contains(Array(sequence.dropFirst())) != true {
      tails[head, default: []].append(Array(sequence.dropFirst()))
    }
  }

  /// Whether `token` is a breaker by itself.
  package func isBreaker(_ token: TokenID) -> Bool {
    !alone.isEmpty && alone[Int(token)]
  }

  /// How many tokens there are after the last breaker; all of them if there is none.
  ///
  /// - Parameter recent: Tokens, newest first.
  package func distance(in recent: Span<TokenID>) -> Int {
    guard !alone.isEmpty else { return recent.count }
    for back in recent.indices {
      // The longest sequence that starts here leaves the fewest tokens after it.
      var longest = isBreaker(recent[back]) ? 0 : -1
      if !tails.isEmpty, let candidates = tails[recent[back]] {
        for tail in candidates where tail.count <= back && tail.count > longest {
          var equal = 0
          while equal < tail.count && tail[equal] == recent[back - 1 - equal] { equal += 1 }
          if equal == tail.count { longest = equal }
        }
      }
      if longest >= 0 { return back - longest }
    }
    return recent.count
  }
}

private func contains(_ bytes: [UInt8], _ text: [UInt8]) -> Bool {
  guard bytes.count >= text.count else { return false }
  return (0...bytes.count - text.count).contains { start in
    text.indices.allSatisfy { bytes[start + $0] == text[$0] }
  }
}
