internal import Glibc
package import Model

/// How much it says that two passages share a token: its inverse document frequency, in nats.
///
/// A few passages are no sample of a language: every word of theirs looks rare. So counting begins
/// with `assumedPassages` passages in which tokens occur as often as Zipf's law has it, by their rank
/// in the vocabulary, which byte-pair encoding numbers from frequent to rare.
package struct TokenRarity: Sendable {
  /// Passages whose counts are assumed before any is seen.
  static let assumedPassages: Float = 200

  /// The assumed passages that hold a token, [vocabulary]; one of those below for tokens that tell
  /// nothing.
  private let assumed: [Float]
  private static let special: Float = -1
  private static let wordless: Float = -2

  /// - Parameters:
  ///   - passageLength: tokens in a passage.
  ///   - special: tokens that structure text and are none of it.
  ///   - wordless: tokens that spell no word or part of one: white space, punctuation, single letters.
  package init(
    vocabularySize: Int, passageLength: Int, special: Set<TokenID> = [],
    wordless: Set<TokenID> = []
  ) {
    let harmonic = (1...max(1, vocabularySize)).reduce(0.0) { $0 + 1 / (Double($1) + 2.7) }
    assumed = (0..<vocabularySize).map { token in
      if special.contains(TokenID(token)) { return Self.special }
      if wordless.contains(TokenID(token)) { return Self.wordless }
      let share = 1 / ((Double(token) + 3.7) * harmonic)
      return Self.assumedPassages * Float(1 - exp(-Double(passageLength) * share))
    }
  }

  func isSpecial(_ token: TokenID) -> Bool {
    assumed.indices.contains(Int(token)) && assumed[Int(token)] == Self.special
  }

  /// - Parameters:
  ///   - holding: passages that hold the token, of `count`.
  package func weight(of token: TokenID, holding: Int, of count: Int) -> Float {
    guard assumed.indices.contains(Int(token)), assumed[Int(token)] >= 0 else { return 0 }
    let all = Float(count) + Self.assumedPassages + 1
    return max(0, logf(all / (Float(holding) + assumed[Int(token)] + 0.5)))
  }
}
