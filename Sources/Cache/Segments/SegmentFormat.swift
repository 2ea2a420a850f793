/// The numbers of docs/segment-format.md. Everything is little-endian, and every record begins at a
/// multiple of eight bytes.
enum SegmentFormat {
  static let version: UInt32 = 1

  /// `SPARKSEG`, read as a little-endian number.
  static let fileMagic: UInt64 = 0x4745_534B_5241_5053
  /// One copy of the file header. It is there twice, so that one damaged bit does not cost a segment.
  static let fileHeaderCopyBytes = 64
  static let fileHeaderBytes = 128

  /// `SKVR`.
  static let recordMagic: UInt32 = 0x5256_4B53
  static let recordVersion: UInt8 = 1
  /// The part of a record's header before its section table.
  static let fixedHeaderBytes = 104
  static let sectionBytes = 32
  static let checksumBytes = 8

  // What is longer is damage: lengths are compared with these before anything is allocated.
  static let maximumFrames = 4096
  static let maximumFrameBytes = 1 << 28
  static let maximumMetadataBytes = 16 << 20
  static let maximumRecordBytes = 1 << 36

  static func headerBytes(frames: Int) -> Int {
    fixedHeaderBytes + frames * sectionBytes + checksumBytes
  }

  static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

  /// What a record's header checksum starts from: bytes that were left behind by an earlier record,
  /// or copied from elsewhere, are no record here.
  static func seed(salt: UInt64, offset: Int) -> UInt64 { salt &+ UInt64(offset) }
}

/// Little-endian numbers in an array of bytes.
extension [UInt8] {
  /// All bytes. Every byte is initialized, which is what `bytes` of a span leaves to its caller.
  var rawSpan: RawSpan {
    @_lifetime(borrow self) borrowing get { unsafe span.bytes }
  }

  mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    var value = value.littleEndian
    unsafe Swift.withUnsafeBytes(of: &value) { unsafe append(contentsOf: $0) }
  }

  mutating func store<T: FixedWidthInteger>(littleEndian value: T, at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= count, "outside the array")
    for byte in 0..<MemoryLayout<T>.size {
      self[offset + byte] = UInt8(truncatingIfNeeded: value >> T(byte * 8))
    }
  }

  mutating func pad(to count: Int) {
    while self.count < count { append(0) }
  }
}

extension RawSpan {
  /// The little-endian number at `offset`, which must lie inside.
  func number<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= byteCount, "outside the span")
    return T(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }
}
