/// Puts bytes together to whole UTF-8 characters, however they were cut.
///
/// A token may be part of a character, and garbage may be a token. Bytes come out as soon as they
/// complete a scalar; each maximal part of an invalid sequence becomes one U+FFFD, as the Unicode
/// Standard recommends (§3.9, table 3-8) and as Swift's `String(decoding:as:)` does. At most three
/// bytes wait, so garbage cannot stall a stream.
package struct UTF8Assembler: Sendable, Equatable {
  /// The beginning of a scalar; the first `pendingCount` bytes are set.
  private var pending: (UInt8, UInt8, UInt8) = (0, 0, 0)
  private var pendingCount = 0
  /// How many bytes the scalar has in all.
  private var length = 0
  /// What the next byte must be: narrower than 80...BF after some first bytes (table 3-7).
  private var allowed: ClosedRange<UInt8> = 0x80...0xBF

  package init() {}

  /// Whether bytes wait for the rest of their scalar.
  package var isMidScalar: Bool { pendingCount > 0 }

  /// Appends to `output` what `bytes` complete.
  package mutating func append(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
    for index in bytes.indices { append(bytes[index], to: &output) }
  }

  /// Forgets the beginning of a scalar whose rest never came.
  package mutating func dropIncomplete() {
    pendingCount = 0
  }

  private mutating func append(_ byte: UInt8, to output: inout [UInt8]) {
    if pendingCount > 0 {
      if allowed.contains(byte) { return proceed(with: byte, to: &output) }
      replace(to: &output)
    }
    switch byte {
    case 0x00...0x7F: output.append(byte)
    case 0xC2...0xDF: begin(with: byte, length: 2)
    case 0xE0: begin(with: byte, length: 3, second: 0xA0...0xBF)
    case 0xED: begin(with: byte, length: 3, second: 0x80...0x9F)
    case 0xE1...0xEF: begin(with: byte, length: 3)
    case 0xF0: begin(with: byte, length: 4, second: 0x90...0xBF)
    case 0xF1...0xF3: begin(with: byte, length: 4)
    case 0xF4: begin(with: byte, length: 4, second: 0x80...0x8F)
    default: replace(to: &output)
    }
  }

  private mutating func begin(
    with byte: UInt8, length: Int, second: ClosedRange<UInt8> = 0x80...0xBF
  ) {
    pending.0 = byte
    pendingCount = 1
    self.length = length
    allowed = second
  }

  private mutating func proceed(with byte: UInt8, to output: inout [UInt8]) {
    if pendingCount + 1 < length {
      if pendingCount == 1 { pending.1 = byte } else { pending.2 = byte }
      pendingCount += 1
      allowed = 0x80...0xBF
      return
    }
    output.append(pending.0)
    if pendingCount > 1 { output.append(pending.1) }
    if pendingCount > 2 { output.append(pending.2) }
    output.append(byte)
    pendingCount = 0
  }

  /// U+FFFD, in place of what waits.
  private mutating func replace(to output: inout [UInt8]) {
    output.append(0xEF)
    output.append(0xBF)
    output.append(0xBD)
    pendingCount = 0
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.pendingCount == b.pendingCount && a.length == b.length && a.allowed == b.allowed
      && a.pending == b.pending
  }
}
