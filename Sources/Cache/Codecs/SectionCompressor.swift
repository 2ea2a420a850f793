/// Compresses bytes that are no frames, such as texts and tokens, with zstd.
///
/// Not thread-safe: one for each thread. What it writes has no checksum of its own.
package final class SectionCompressor {
  private let zstd: Zstandard

  /// - Parameter level: zstd's effort, 1...19. Texts gain by more than 1, which frames do not.
  package init(level: Int = 3) throws(CodecError) {
    zstd = try Zstandard(FrameCodingOptions(level: level))
  }

  /// `bytes` as a zstd frame; nil where that would not be shorter.
  package func compress(_ bytes: [UInt8]) throws(CodecError) -> [UInt8]? {
    guard !bytes.isEmpty else { return nil }
    var output: [UInt8] = []
    let isShorter = try unsafe bytes.span.withUnsafeBytes { content throws(CodecError) in
      try unsafe zstd.append(content, to: &output, ifBelow: content.count)
    }
    return isShorter ? output : nil
  }

  /// The `count` bytes that a zstd frame holds, neither more nor fewer.
  package func decompress(_ bytes: [UInt8], count: Int) throws(CodecError) -> [UInt8] {
    var content = [UInt8](repeating: 0, count: count)
    var span = content.mutableSpan
    try unsafe span.withUnsafeMutableBytes { target throws(CodecError) in
      try unsafe zstd.decompress(bytes.rawSpan, into: target)
    }
    return content
  }
}
