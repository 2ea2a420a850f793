internal import Cascade

/// What a result was made of: the bytes of its line, and everything else that its text depends on.
///
/// Enough of a SHA-256 to notice a change; nobody gains by making two collide on purpose.
package struct BatchDigest: Sendable, Hashable {
  package let value: UInt64

  package init(_ value: UInt64) { self.value = value }

  /// - Parameters:
  ///   - settings: what all lines have in common, as text: model, options, format.
  package init(of line: InputLine, settings: String) {
    var hash = SHA256()
    hash.update(text: settings)
    hash.update(line.bytes)
    let words = hash.finish()
    value = UInt64(words[0]) << 32 | UInt64(words[1])
  }

  /// Sixteen hexadecimal digits.
  package init?(_ text: String) {
    guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
    self.value = value
  }

  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
