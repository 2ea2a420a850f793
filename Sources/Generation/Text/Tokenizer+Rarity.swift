package import Cascade
package import Model

extension Tokenizer {
  /// What this vocabulary's tokens tell of passages of `passageLength` tokens.
  package func rarity(passageLength: Int) -> TokenRarity {
    var special: Set<TokenID> = []
    var wordless: Set<TokenID> = []
    for token in 0..<TokenID(vocabularySize) {
      if isControl(token) {
        special.insert(token)
      } else if !withPiece(of: token, { spellsWord($0) }) {
        wordless.insert(token)
      }
    }
    return TokenRarity(
      vocabularySize: vocabularySize, passageLength: passageLength, special: special,
      wordless: wordless)
  }
}

/// Whether two bytes at least are letters or digits, or of other scripts than the Latin, where one
/// character may be a word.
private func spellsWord(_ bytes: Span<UInt8>) -> Bool {
  var count = 0
  for index in bytes.indices {
    switch bytes[index] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
      count += 1
    default: break
    }
  }
  return count >= 2
}
