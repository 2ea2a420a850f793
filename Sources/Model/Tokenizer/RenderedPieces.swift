/// The bytes that each token adds to a text, worked out once. Invariant:
/// `starts.count == vocabulary.count + 1`.
struct RenderedPieces: Sendable {
  private let bytes: [UInt8]
  private let starts: [UInt32]

  /// How a vocabulary spells text.
  enum Spelling {
    /// In the characters of `ByteAlphabet`.
    case byteAlphabet
    /// With U+2581 for a space.
    case escapedSpaces
  }

  init(_ vocabulary: Vocabulary, _ spelling: Spelling) {
    var bytes: [UInt8] = []
    var starts: [UInt32] = [0]
    starts.reserveCapacity(vocabulary.count + 1)
    for token in 0..<TokenID(vocabulary.count) {
      vocabulary.withSpelling(of: token) { text in
        switch vocabulary.kinds[Int(token)] {
        // What is not part of text is spelled as it is.
        case .control, .unknown, .userDefined:
          bytes.append(copying: text)
        case .byte:
          if let byte = Self.byte(text) {
            bytes.append(byte)
          } else {
            bytes.append(copying: text)
          }
        case .normal, .unused:
          switch spelling {
          case .byteAlphabet: ByteAlphabet.appendBytes(of: text, to: &bytes)
          case .escapedSpaces: Self.appendUnescaped(text, to: &bytes)
          }
        }
      }
      starts.append(UInt32(bytes.count))
    }
    self.bytes = bytes
    self.starts = starts
  }

  func withPiece<R>(of token: TokenID, _ body: (Span<UInt8>) -> R) -> R {
    let range = Int(starts[Int(token)])..<Int(starts[Int(token) + 1])
    return body(bytes.span.extracting(range))
  }

  /// The byte that `<0x0A>` spells, or nil.
  private static func byte(_ text: Span<UInt8>) -> UInt8? {
    let text = [UInt8](copying: text)
    guard text.count == 6, text.starts(with: "<0x".utf8), text[5] == UInt8(ascii: ">")
    else { return nil }
    return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
  }

  private static func appendUnescaped(
    _ text: Span<UInt8>, to out: inout [UInt8]
  ) {
    var i = 0
    while i < text.count {
      if text[i] == 0xE2, i + 2 < text.count, text[i + 1] == 0x96,
        text[i + 2] == 0x81
      {
        out.append(0x20)
        i += 3
      } else {
        out.append(text[i])
        i += 1
      }
    }
  }
}
