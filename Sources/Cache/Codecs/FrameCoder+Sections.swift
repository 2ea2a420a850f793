/// Sections: a length in 4 bytes, little-endian, and as many bytes. Whoever reads knows how long the
/// content is; a section of just that length is the content itself, a shorter one is a zstd frame.
extension FrameCoder {
  /// Appends a section with `count` bytes of content; compressed where that makes it smaller by more
  /// than a sixty-fourth, as decompressing costs time.
  func appendSection(
    _ content: UnsafePointer<UInt8>, _ count: Int, to output: inout [UInt8]
  ) throws(CodecError) {
    let header = output.count
    output.append(contentsOf: [0, 0, 0, 0])
    let start = output.count
    let content = unsafe UnsafeRawBufferPointer(start: content, count: count)
    if try unsafe !zstd.append(content, to: &output, ifBelow: count - count / 64) {
      unsafe output.append(contentsOf: content)
    }
    let length = UInt32(output.count - start)
    for byte in 0..<4 { output[header + byte] = UInt8(truncatingIfNeeded: length >> (8 * byte)) }
  }

  /// Reads the next section, whose content is `count` bytes.
  func readSection(
    _ reader: inout SectionReader, into content: UnsafeMutablePointer<UInt8>, _ count: Int
  ) throws(CodecError) {
    let content = unsafe UnsafeMutableRawBufferPointer(start: content, count: count)
    let section = try reader.next(limit: count)
    if section.byteCount == count {
      unsafe section.withUnsafeBytes { unsafe content.copyMemory(from: $0) }
    } else {
      try unsafe zstd.decompress(section, into: content)
    }
  }
}

/// Walks through a frame's sections.
struct SectionReader: ~Escapable {
  private let bytes: RawSpan
  private var offset = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  /// The next section's bytes, at most `limit`.
  @_lifetime(copy self)
  mutating func next(limit: Int) throws(CodecError) -> RawSpan {
    guard bytes.byteCount - offset >= 4 else { throw Self.truncated(bytes.byteCount) }
    var length = 0
    for byte in 0..<4 {
      let value: UInt8 = unsafe bytes.unsafeLoad(fromByteOffset: offset + byte, as: UInt8.self)
      length |= Int(value) << (8 * byte)
    }
    guard length <= limit else {
      throw CodecError(
        "a section of a KV frame claims \(length) bytes where \(limit) at most can be; "
          + "the frame is damaged or of another model.")
    }
    guard bytes.byteCount - offset - 4 >= length else { throw Self.truncated(bytes.byteCount) }
    defer { offset += 4 + length }
    return bytes.extracting(offset + 4..<offset + 4 + length)
  }

  func expectEnd() throws(CodecError) {
    guard offset == bytes.byteCount else {
      throw CodecError(
        "a KV frame has \(bytes.byteCount - offset) bytes after its last section; it is damaged.")
    }
  }

  private static func truncated(_ count: Int) -> CodecError {
    CodecError("a KV frame ends after \(count) bytes, inside a section; it is truncated.")
  }
}
