/// The header of one record: what it is, and where its parts are.
struct RecordHeader: Equatable {
  enum Kind: UInt8 {
    case block = 1
    /// Blocks in a scope, put before this record, are forgotten.
    case tombstone = 2
  }

  var kind = Kind.block
  /// Nanoseconds since 1970, made unique: of two records of a block the later one counts.
  var sequence: UInt64 = 0
  /// The block; of a tombstone its scope's value.
  var identity = BlockIdentity(high: 0, low: 0)
  var attributes = BlockAttributes(model: 0, namespace: 0, session: 0, cost: 0)
  /// Of a tombstone: what it covers. 0 block, 1 session, 2 namespace, 3 model.
  var scope: UInt8 = 0
  /// Bytes of a frame before it is encoded.
  var frameBytes = 0
  var metadataBytes = 0
  var metadataChecksum: UInt64 = 0
  var sections: [Section] = []
  /// Of the whole record, a multiple of eight.
  var byteCount = 0

  /// Where one frame is.
  struct Section: Equatable {
    /// From the record's start.
    var offset = 0
    /// 0: the frame is not in this record.
    var storedBytes = 0
    var codec = FrameCodec.raw
    /// Of the stored bytes and the zeroes that fill them up to a multiple of eight.
    var storedChecksum: UInt64 = 0
    /// Of the frame's own bytes; 0 where the codec is lossy.
    var rawChecksum: UInt64 = 0

    var isAbsent: Bool { storedBytes == 0 }
    var range: Range<Int> { offset..<offset + storedBytes }
    var paddedRange: Range<Int> { offset..<offset + SegmentFormat.padded(storedBytes) }
  }

  var headerBytes: Int { SegmentFormat.headerBytes(frames: sections.count) }
  var metadataRange: Range<Int> { headerBytes..<headerBytes + metadataBytes }
  var paddedMetadataRange: Range<Int> {
    headerBytes..<headerBytes + SegmentFormat.padded(metadataBytes)
  }

  init() {}

  /// The scope of a tombstone.
  var tombstoneScope: BlockScope? {
    guard kind == .tombstone else { return nil }
    return switch scope {
    case 0: .block(identity)
    case 1: .session(identity.low)
    case 2: .namespace(identity.low)
    case 3: .model(identity.low)
    default: nil
    }
  }

  init(tombstone: BlockScope, sequence: UInt64) {
    kind = .tombstone
    self.sequence = sequence
    switch tombstone {
    case .block(let block): (scope, identity) = (0, block)
    case .session(let value): (scope, identity) = (1, BlockIdentity(high: 0, low: value))
    case .namespace(let value): (scope, identity) = (2, BlockIdentity(high: 0, low: value))
    case .model(let value): (scope, identity) = (3, BlockIdentity(high: 0, low: value))
    }
    byteCount = headerBytes
  }

  // MARK: - Bytes

  /// Writes the header over the first `headerBytes` of `record`.
  ///
  /// - Parameter seed: see ``SegmentFormat/seed(salt:offset:)``.
  func write(to record: inout [UInt8], seed: UInt64) {
    record.store(littleEndian: SegmentFormat.recordMagic, at: 0)
    record[4] = SegmentFormat.recordVersion
    record[5] = kind.rawValue
    record.store(littleEndian: UInt16(sections.count), at: 6)
    record.store(littleEndian: UInt64(byteCount), at: 8)
    record.store(littleEndian: sequence, at: 16)
    record.store(littleEndian: identity.high, at: 24)
    record.store(littleEndian: identity.low, at: 32)
    record.store(littleEndian: attributes.model, at: 40)
    record.store(littleEndian: attributes.namespace, at: 48)
    record.store(littleEndian: attributes.session, at: 56)
    record.store(littleEndian: attributes.cost.bitPattern, at: 64)
    record[72] = attributes.memory.rawValue
    record[73] = scope
    record.store(littleEndian: UInt16(0), at: 74)
    record.store(littleEndian: UInt32(metadataBytes), at: 76)
    record.store(littleEndian: metadataChecksum, at: 80)
    record.store(littleEndian: UInt64(frameBytes), at: 88)
    record.store(littleEndian: UInt64(0), at: 96)
    var offset = SegmentFormat.fixedHeaderBytes
    for section in sections {
      record.store(littleEndian: UInt64(section.offset), at: offset)
      record.store(littleEndian: UInt32(section.storedBytes), at: offset + 8)
      record.store(littleEndian: UInt32(section.codec.rawValue), at: offset + 12)
      record.store(littleEndian: section.storedChecksum, at: offset + 16)
      record.store(littleEndian: section.rawChecksum, at: offset + 24)
      offset += SegmentFormat.sectionBytes
    }
    let checksum = unsafe record.withUnsafeBytes {
      unsafe Checksum.xxh64(UnsafeRawBufferPointer(rebasing: $0[..<offset]), seed: seed)
    }
    record.store(littleEndian: checksum, at: offset)
  }

  /// Bytes that have to be read for the whole header, from its first 16; nil where no record starts.
  static func headerBytes(startingWith bytes: RawSpan) -> Int? {
    guard bytes.byteCount >= 8, bytes.number(UInt32.self, at: 0) == SegmentFormat.recordMagic else {
      return nil
    }
    let frames = Int(bytes.number(UInt16.self, at: 6))
    guard frames <= SegmentFormat.maximumFrames else { return nil }
    return SegmentFormat.headerBytes(frames: frames)
  }

  /// Reads a header; nil when its checksum, its version or any length is wrong.
  init?(_ bytes: RawSpan, seed: UInt64) {
    guard let length = Self.headerBytes(startingWith: bytes), bytes.byteCount >= length else {
      return nil
    }
    let end = length - SegmentFormat.checksumBytes
    guard
      Checksum.xxh64(bytes.extracting(0..<end), seed: seed) == bytes.number(UInt64.self, at: end),
      bytes.number(UInt8.self, at: 4) == SegmentFormat.recordVersion,
      let kind = Kind(rawValue: bytes.number(UInt8.self, at: 5)),
      let memory = MemoryKind(rawValue: bytes.number(UInt8.self, at: 72)),
      let byteCount = Int(exactly: bytes.number(UInt64.self, at: 8)),
      let frameBytes = Int(exactly: bytes.number(UInt64.self, at: 88)),
      byteCount <= SegmentFormat.maximumRecordBytes, byteCount % 8 == 0,
      frameBytes <= SegmentFormat.maximumFrameBytes
    else { return nil }
    self.kind = kind
    self.byteCount = byteCount
    self.frameBytes = frameBytes
    sequence = bytes.number(UInt64.self, at: 16)
    identity = BlockIdentity(
      high: bytes.number(UInt64.self, at: 24), low: bytes.number(UInt64.self, at: 32))
    attributes = BlockAttributes(
      model: bytes.number(UInt64.self, at: 40), namespace: bytes.number(UInt64.self, at: 48),
      session: bytes.number(UInt64.self, at: 56),
      cost: Double(bitPattern: bytes.number(UInt64.self, at: 64)), memory: memory)
    scope = bytes.number(UInt8.self, at: 73)
    metadataBytes = Int(bytes.number(UInt32.self, at: 76))
    metadataChecksum = bytes.number(UInt64.self, at: 80)
    guard metadataBytes <= SegmentFormat.maximumMetadataBytes else { return nil }
    let frames = Int(bytes.number(UInt16.self, at: 6))
    sections.reserveCapacity(frames)
    // The parts follow one another without gaps, in order.
    var position = length + SegmentFormat.padded(metadataBytes)
    for frame in 0..<frames {
      let start = SegmentFormat.fixedHeaderBytes + frame * SegmentFormat.sectionBytes
      guard let codecByte = UInt8(exactly: bytes.number(UInt32.self, at: start + 12)),
        let codec = FrameCodec(rawValue: codecByte),
        let offset = Int(exactly: bytes.number(UInt64.self, at: start)), offset == position
      else { return nil }
      let section = Section(
        offset: offset, storedBytes: Int(bytes.number(UInt32.self, at: start + 8)), codec: codec,
        storedChecksum: bytes.number(UInt64.self, at: start + 16),
        rawChecksum: bytes.number(UInt64.self, at: start + 24))
      // No codec makes a frame much longer than it is.
      guard section.storedBytes <= 2 * frameBytes + 4096 else { return nil }
      position += SegmentFormat.padded(section.storedBytes)
      sections.append(section)
    }
    guard position == byteCount else { return nil }
    if kind == .tombstone, tombstoneScope == nil { return nil }
  }
}
