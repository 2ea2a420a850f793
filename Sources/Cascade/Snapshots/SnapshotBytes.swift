internal import Cache

/// Little-endian numbers and texts, one after another.
struct SnapshotBytes {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ number: some FixedWidthInteger) {
    for shift in 0..<number.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: number >> (shift * 8)))
    }
  }

  /// Its length and its UTF-8.
  mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    bytes += text.utf8
  }

  mutating func put(_ identity: BlockIdentity) {
    put(identity.high)
    put(identity.low)
  }

  mutating func put(_ content: [UInt8]) { bytes += content }

  mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }
}

/// Takes apart what ``SnapshotBytes`` has put together. What is not there is nil.
struct SnapshotCursor {
  private let bytes: [UInt8]
  private(set) var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var left: Int { bytes.count - offset }
  var isAtEnd: Bool { left == 0 }

  mutating func take<N: FixedWidthInteger>(_ type: N.Type = N.self) -> N? {
    let size = N.bitWidth / 8
    guard left >= size else { return nil }
    var number: N = 0
    for shift in 0..<size { number |= N(truncatingIfNeeded: bytes[offset + shift]) << (shift * 8) }
    offset += size
    return number
  }

  mutating func takeText() -> String? {
    guard let count = take(UInt32.self), let range = take(bytes: Int(count)) else { return nil }
    return String(validating: bytes[range], as: UTF8.self)
  }

  mutating func takeIdentity() -> BlockIdentity? {
    guard let high = take(UInt64.self), let low = take(UInt64.self) else { return nil }
    return BlockIdentity(high: high, low: low)
  }

  /// Where the next `count` bytes are.
  mutating func take(bytes count: Int) -> Range<Int>? {
    guard count >= 0, left >= count else { return nil }
    defer { offset += count }
    return offset..<offset + count
  }
}
