package import Model

/// What each token of a vocabulary means for where a statement begins and ends.
package struct TokenMarks: Sendable {
  package struct Mark: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Structures text and is none of it.
    package static let special = Mark(rawValue: 1)
    /// White space alone.
    package static let space = Mark(rawValue: 2)
    /// Begins with white space: a word or a line is behind it.
    package static let beginsWithSpace = Mark(rawValue: 4)
    /// Ends a sentence, where white space or nothing follows.
    package static let endsSentence = Mark(rawValue: 8)
    /// Ends a question.
    package static let endsQuestion = Mark(rawValue: 16)
    /// Ends a line.
    package static let endsLine = Mark(rawValue: 32)
  }

  /// [vocabulary]
  private let marks: [Mark]

  package init(_ marks: [Mark]) { self.marks = marks }

  package subscript(token: TokenID) -> Mark {
    marks.indices.contains(Int(token)) ? marks[Int(token)] : []
  }

  /// What the bytes of a token that is not special mean.
  package static func mark(of piece: Span<UInt8>) -> Mark {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var mark: Mark = []
    guard !piece.isEmpty else { return mark }
    if isSpace(piece[0]) { mark.insert(.beginsWithSpace) }
    var end = piece.count
    while end > 0, isSpace(piece[end - 1]) {
      if piece[end - 1] == 0x0A { mark.insert(.endsLine) }
      end -= 1
    }
    if end == 0 { return mark.union(.space) }
    // Quotes and brackets close behind the sentence that they hold.
    while end > 0,
      [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ")")].contains(piece[end - 1])
    {
      end -= 1
    }
    guard end > 0 else { return mark }
    switch piece[end - 1] {
    case UInt8(ascii: "."), UInt8(ascii: "!"): mark.insert(.endsSentence)
    case UInt8(ascii: "?"): mark.formUnion([.endsSentence, .endsQuestion])
    default:
      // U+3002, U+FF01 and U+FF1F, as Chinese and Japanese end their sentences.
      guard end >= 3 else { break }
      switch (piece[end - 3], piece[end - 2], piece[end - 1]) {
      case (0xE3, 0x80, 0x82), (0xEF, 0xBC, 0x81):
        mark.formUnion([.endsSentence, .beginsWithSpace])
      case (0xEF, 0xBC, 0x9F):
        mark.formUnion([.endsSentence, .endsQuestion, .beginsWithSpace])
      default: break
      }
    }
    return mark
  }
}
