package import Generation

/// Where a text tells what is asked for.
package enum NeedlePlace {
  /// The tokens of each place in `range` that says `needle` as words of their own, in any case of ASCII
  /// letters.
  ///
  /// - Parameter pieces: the bytes of each of the text's tokens.
  package static func places(
    of needle: String, in pieces: [[UInt8]], within range: Range<Int>
  ) -> [Range<Int>] {
    let needle = needle.utf8.map(\.inLowerCase)
    var bytes: [UInt8] = []
    var tokens: [Int] = []
    for token in range {
      for byte in pieces[token] {
        bytes.append(byte.inLowerCase)
        tokens.append(token)
      }
    }
    guard !needle.isEmpty, needle.count <= bytes.count else { return [] }
    return (0...bytes.count - needle.count).compactMap { start in
      let end = start + needle.count
      guard bytes[start] == needle[0], bytes[start..<end].elementsEqual(needle),
        start == 0 || bytes[start - 1].wordByte == nil,
        end == bytes.count || bytes[end].wordByte == nil
      else { return nil }
      return tokens[start]..<tokens[end - 1] + 1
    }
  }

  /// The same in a question's whole prompt: anywhere in a text, and in a chat in the turn that tells the
  /// answer and the reply to it.
  package static func places(
    of question: Question, in tokens: [TokenID], engine: Engine, template: ChatTemplate? = nil
  ) throws -> [Range<Int>] {
    guard let needle = question.expected.first else { return [] }
    let pieces = tokens.map { engine.tokenizer.piece($0) }
    guard case .chat(let messages) = question.prompt(.whole) else {
      return places(of: needle, in: pieces, within: 0..<tokens.count)
    }
    let dialogue = Dialogue(messages: messages)
    guard let fact = dialogue.fact(telling: needle) else { return [] }
    /// Tokens that the text and one cut off before `message` have in common.
    func start(of message: Int) throws -> Int {
      guard message > 0 else { return 0 }
      let head = try engine.tokens(of: .chat(Array(messages[..<message])), template: template)
      return zip(head, tokens).prefix { $0 == $1 }.count
    }
    let range = try start(of: fact)..<start(of: dialogue.end(ofExchangeAt: fact))
    return places(of: needle, in: pieces, within: range)
  }
}

extension UInt8 {
  fileprivate var inLowerCase: UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
  }
}
