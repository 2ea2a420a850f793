/// How a frame is written in the tiers below L1.
package enum FrameCodec: UInt8, Sendable, CaseIterable {
  /// The bytes as they are.
  case raw = 0
  /// The same bits, in byte planes, compressed.
  case exact = 1
  /// 8-bit integers, keys scaled per channel and values per token, compressed.
  case int8 = 2
  /// 4-bit integers, likewise.
  case int4 = 3

  /// Whether decoding gives the bits that were encoded.
  package var isLossless: Bool { self == .raw || self == .exact }
}
