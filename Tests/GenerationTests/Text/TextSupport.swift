import Generation

extension TextEmitter {
  /// The text of `pieces`, and what was passed on after each.
  static func stream(
    _ pieces: [[UInt8]], stopStrings: [String] = []
  ) -> (text: [UInt8], parts: [[UInt8]], stop: String?) {
    var emitter = TextEmitter(stopStrings: stopStrings)
    var text: [UInt8] = []
    var parts: [[UInt8]] = []
    func passOn(_ body: (inout [UInt8]) -> Void) {
      let before = text.count
      body(&text)
      parts.append(Array(text[before...]))
    }
    for piece in pieces { passOn { emitter.append(piece.span, to: &$0) } }
    passOn { emitter.finish(to: &$0) }
    return (text, parts, emitter.stop)
  }
}

/// Every way to cut `bytes` into at most three pieces.
func cuts(of bytes: [UInt8]) -> [[[UInt8]]] {
  var result: [[[UInt8]]] = []
  for first in 0...bytes.count {
    for second in first...bytes.count {
      result.append([
        Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...]),
      ])
    }
  }
  return result
}

/// `bytes` in pieces of random length.
func randomCut(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [[UInt8]] {
  var pieces: [[UInt8]] = []
  var start = 0
  while start < bytes.count {
    let end = min(bytes.count, start + Int.random(in: 0...4, using: &generator))
    pieces.append(Array(bytes[start..<end]))
    start = end
  }
  return pieces
}
