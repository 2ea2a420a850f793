/// Which tokens only memory can help with: those of words that occurred before, but not lately.
///
/// Overall perplexity hides what memory is worth, for most words stand again within a window or
/// never did before.
package enum WordRecurrence {
  /// True for each token that is part of a word which occurred before, and last more than `distance`
  /// tokens before.
  ///
  /// A word is a run of ASCII letters and digits or of bytes above them, in any case.
  ///
  /// - Parameter pieces: the bytes of each token.
  package static func mask(pieces: [[UInt8]], beyond distance: Int) -> [Bool] {
    var mask = [Bool](repeating: false, count: pieces.count)
    var last: [[UInt8]: Int] = [:]
    var word: [UInt8] = []
    var tokens: [Int] = []
    func close() {
      defer { (word, tokens) = ([], []) }
      guard let first = tokens.first else { return }
      if let before = last[word], first - before > distance {
        for token in tokens { mask[token] = true }
      }
      last[word] = tokens[tokens.count - 1]
    }
    for (index, piece) in pieces.enumerated() {
      for byte in piece {
        guard let byte = byte.wordByte else {
          close()
          continue
        }
        word.append(byte)
        if tokens.last != index { tokens.append(index) }
      }
    }
    close()
    return mask
  }
}

extension UInt8 {
  /// Itself in lower case if it is part of a word.
  var wordByte: UInt8? {
    switch self {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): self | 0x20
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
      self
    default: nil
    }
  }
}
