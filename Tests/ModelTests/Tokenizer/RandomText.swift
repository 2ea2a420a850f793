import TestSupport

/// Text for property tests.
enum RandomText {
  /// Scalars from all over Unicode, mostly those that pre-tokenizers tell apart.
  static func valid(atMost count: Int, using generator: inout SeededGenerator) -> [UInt8] {
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...count, using: &generator) {
      let range: ClosedRange<UInt32> =
        [
          0x20...0x7E, 0x61...0x7A, 0x61...0x7A, 0x20...0x20, 0x09...0x0D, 0x30...0x39,
          0x00...0x1F, 0xA0...0x24F, 0x300...0x36F, 0x400...0x4FF, 0x900...0x97F,
          0x2000...0x206F, 0x3040...0x30FF, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0x1F300...0x1F6FF,
          0x80...0x10FFFF,
        ].randomElement(using: &generator)!
      // Surrogates are no scalars.
      if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
        text.append(scalar)
      }
    }
    return Array(String(text).utf8)
  }

  /// Text of which some bytes were changed, taken away or put in, so that it is seldom UTF-8.
  static func bytes(atMost count: Int, using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = valid(atMost: count, using: &generator)
    for _ in 0..<Int.random(in: 0...8, using: &generator) {
      let i = Int.random(in: 0...bytes.count, using: &generator)
      if i < bytes.count, Bool.random(using: &generator) {
        bytes.remove(at: i)
      } else {
        bytes.insert(.random(in: 0...255, using: &generator), at: i)
      }
    }
    return bytes
  }
}
