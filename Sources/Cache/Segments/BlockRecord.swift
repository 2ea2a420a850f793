/// A record of a block, ready to be written.
///
/// `bytes` begins with room for the header, which is filled in once the record's place is known.
struct BlockRecord {
  private(set) var header: RecordHeader
  private(set) var bytes: [UInt8]

  /// - Parameter frames: nil where a frame is not to be had.
  init(
    identity: BlockIdentity, attributes: BlockAttributes, sequence: UInt64, metadata: [UInt8],
    frames: [PackedFrame?], frameBytes: Int
  ) {
    header = RecordHeader()
    header.identity = identity
    header.attributes = attributes
    header.sequence = sequence
    header.frameBytes = frameBytes
    header.metadataBytes = metadata.count
    header.sections = Array(repeating: RecordHeader.Section(), count: frames.count)
    var length = header.headerBytes + SegmentFormat.padded(metadata.count)
    for frame in frames { length += SegmentFormat.padded(frame?.byteCount ?? 0) }
    bytes = []
    bytes.reserveCapacity(length)
    bytes.append(contentsOf: repeatElement(0, count: header.headerBytes))
    bytes += metadata
    bytes.pad(to: SegmentFormat.padded(bytes.count))
    header.metadataChecksum = Self.checksum(bytes, header.paddedMetadataRange)
    for (index, frame) in frames.enumerated() {
      var section = RecordHeader.Section()
      section.offset = bytes.count
      if let frame {
        section.storedBytes = frame.byteCount
        section.codec = frame.codec
        section.rawChecksum = frame.rawChecksum
        bytes += frame.bytes
        bytes.pad(to: SegmentFormat.padded(bytes.count))
        section.storedChecksum = Self.checksum(bytes, section.paddedRange)
      }
      header.sections[index] = section
    }
    header.byteCount = bytes.count
  }

  init(tombstone: BlockScope, sequence: UInt64) {
    header = RecordHeader(tombstone: tombstone, sequence: sequence)
    bytes = Array(repeating: 0, count: header.headerBytes)
  }

  /// A record as it lies in another segment.
  init(_ header: RecordHeader, bytes: [UInt8]) {
    self.header = header
    self.bytes = bytes
  }

  /// Fills in the header for a place.
  mutating func seal(seed: UInt64) { header.write(to: &bytes, seed: seed) }

  private static func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    unsafe bytes.withUnsafeBytes {
      unsafe Checksum.xxh64(UnsafeRawBufferPointer(rebasing: $0[range]))
    }
  }
}
