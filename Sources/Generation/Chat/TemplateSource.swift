/// The Jinja text of a chat template, searched but never run.
///
/// Searches compare bytes: Swift's `String` would find other spellings of the same characters, and
/// miss a marker that a combining character follows.
struct TemplateSource {
  private let bytes: [UInt8]

  init(_ jinja: String) {
    bytes = Array(jinja.utf8)
  }

  func contains(_ marker: String) -> Bool {
    firstRange(of: Array(marker.utf8), from: 0) != nil
  }

  func containsAny(_ markers: String...) -> Bool {
    markers.contains(where: contains)
  }

  /// The text between `start` and `end` within one string literal, at its first occurrence, with
  /// the literal's escapes undone. `start` and `end` are spelled as in the source.
  func literal(after start: String, before end: String) -> String? {
    let start = Array(start.utf8)
    let end = Array(end.utf8)
    var position = 0
    while let opening = firstRange(of: start, from: position) {
      if let closing = firstRange(of: end, from: opening.upperBound) {
        let quote = opening.lowerBound > 0 ? bytes[opening.lowerBound - 1] : 0
        let text = unescaped(bytes[opening.upperBound..<closing.lowerBound], quote: quote)
        if let text { return text }
      }
      position = opening.upperBound
    }
    return nil
  }

  private func firstRange(of pattern: [UInt8], from start: Int) -> Range<Int>? {
    var index = start
    while index + pattern.count <= bytes.count {
      if bytes[index..<index + pattern.count].elementsEqual(pattern) {
        return index..<index + pattern.count
      }
      index += 1
    }
    return nil
  }

  /// `nil` if the literal ends in between: then this is an expression, not a text.
  private func unescaped(_ source: ArraySlice<UInt8>, quote: UInt8) -> String? {
    var result: [UInt8] = []
    var isEscaped = false
    for byte in source {
      if isEscaped {
        result.append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == quote {
        return nil
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
