/// What stands at the start of a segment, twice.
struct SegmentFileHeader: Equatable {
  /// Random: part of every record's checksum.
  var salt: UInt64
  /// Nanoseconds since 1970.
  var created: UInt64

  /// Why a file is no segment that can be read.
  enum Failure: Error, Equatable {
    case notASegment
    case damaged
    case version(UInt32)
  }

  func encoded() -> [UInt8] {
    var copy: [UInt8] = []
    copy.append(littleEndian: SegmentFormat.fileMagic)
    copy.append(littleEndian: SegmentFormat.version)
    copy.append(littleEndian: UInt32(SegmentFormat.fileHeaderBytes))
    copy.append(littleEndian: salt)
    copy.append(littleEndian: created)
    copy.pad(to: SegmentFormat.fileHeaderCopyBytes - SegmentFormat.checksumBytes)
    copy.append(littleEndian: Checksum.xxh64(copy))
    return copy + copy
  }

  /// - Returns: the header and whether both copies are whole.
  static func decode(_ bytes: RawSpan) throws(Failure) -> (SegmentFileHeader, isWhole: Bool) {
    var found: SegmentFileHeader?
    var whole = 0
    var failure = Failure.notASegment
    for start in [0, SegmentFormat.fileHeaderCopyBytes]
    where bytes.byteCount >= start + SegmentFormat.fileHeaderCopyBytes {
      let copy = bytes.extracting(start..<start + SegmentFormat.fileHeaderCopyBytes)
      guard copy.number(UInt64.self, at: 0) == SegmentFormat.fileMagic else { continue }
      let end = SegmentFormat.fileHeaderCopyBytes - SegmentFormat.checksumBytes
      guard Checksum.xxh64(copy.extracting(0..<end)) == copy.number(UInt64.self, at: end) else {
        if failure == .notASegment { failure = .damaged }
        continue
      }
      let version = copy.number(UInt32.self, at: 8)
      guard version == SegmentFormat.version else {
        failure = .version(version)
        continue
      }
      whole += 1
      found = SegmentFileHeader(
        salt: copy.number(UInt64.self, at: 16), created: copy.number(UInt64.self, at: 24))
    }
    guard let found else { throw failure }
    return (found, whole == 2)
  }
}
