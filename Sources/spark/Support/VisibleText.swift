/// `bytes` as text for people: control characters, backslashes and bytes that are not UTF-8 become
/// `\xNN`, so that each token stays on its line and nothing is lost.
func visible(_ bytes: [UInt8]) -> String {
  guard let text = String(validating: bytes, as: UTF8.self) else {
    return bytes.map(escaped).joined()
  }
  return text.unicodeScalars.map { scalar in
    scalar.properties.generalCategory == .control || scalar == "\\"
      ? String(scalar).utf8.map(escaped).joined() : String(scalar)
  }.joined()
}

/// A passage in one line: its line breaks as slashes, the rest as `visible`.
func oneLine(_ text: String) -> String {
  visible(Array(text.split(separator: "\n").joined(separator: " / ").utf8))
}

private func escaped(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 16)
  return "\\x" + (digits.count < 2 ? "0" : "") + digits
}
