/// Finds the records of a segment by reading headers and metadata, not frames.
struct SegmentScan {
  struct Record {
    var header: RecordHeader
    var metadata: [UInt8]
    var offset: Int
  }

  /// Whole records, in the order of the file.
  private(set) var records: [Record] = []
  /// Bytes between records that are none: damaged.
  private(set) var damaged: [Range<Int>] = []
  /// Where the last whole record ends.
  private(set) var end: Int
  /// Where the file ends; beyond `end` is a torn tail.
  private(set) var fileEnd: Int

  /// What one read fetches: a header, and mostly the metadata with it.
  private static let chunkBytes = 16 << 10

  /// Reads from `start`, where a record begins or the file ends.
  ///
  /// - Parameter isGrowing: whether another process appends to the file: then what is not whole yet is
  ///   not damage, and is not searched for records behind it.
  init(
    _ file: SegmentFile, from start: Int, fileEnd: Int, isGrowing: Bool
  ) throws(DiskError) {
    self.fileEnd = fileEnd
    end = start
    var position = start
    while position < fileEnd {
      if let record = try Self.record(in: file, at: position, fileEnd: fileEnd) {
        if record.metadataIsWhole {
          records.append(record.record)
        } else {
          damaged.append(position..<position + record.record.header.byteCount)
        }
        position += record.record.header.byteCount
        end = position
        continue
      }
      guard !isGrowing,
        let next = try Self.nextRecord(in: file, after: position, fileEnd: fileEnd)
      else { return }
      damaged.append(position..<next)
      position = next
    }
  }

  /// The record at `offset`; nil when none is there wholly.
  private static func record(
    in file: SegmentFile, at offset: Int, fileEnd: Int
  ) throws(DiskError) -> (record: Record, metadataIsWhole: Bool)? {
    var bytes = try file.read(offset..<min(fileEnd, offset + chunkBytes))
    guard let length = RecordHeader.headerBytes(startingWith: bytes.rawSpan) else { return nil }
    if bytes.count < length { bytes = try file.read(offset..<min(fileEnd, offset + length)) }
    let seed = SegmentFormat.seed(salt: file.header.salt, offset: offset)
    guard let header = RecordHeader(bytes.rawSpan, seed: seed),
      offset + header.byteCount <= fileEnd
    else { return nil }
    let range = header.paddedMetadataRange
    if bytes.count < range.upperBound { bytes = try file.read(offset..<offset + range.upperBound) }
    guard bytes.count >= range.upperBound else { return nil }
    let isWhole =
      Checksum.xxh64(bytes.rawSpan.extracting(range)) == header.metadataChecksum
      || header.kind == .tombstone
    return (
      Record(header: header, metadata: Array(bytes[header.metadataRange]), offset: offset), isWhole
    )
  }

  /// Where the next whole record begins, if there is one.
  private static func nextRecord(
    in file: SegmentFile, after start: Int, fileEnd: Int
  ) throws(DiskError) -> Int? {
    var position = start + 8
    while position < fileEnd {
      let bytes = try file.read(position..<min(fileEnd, position + (1 << 20)))
      guard bytes.count >= 8 else { return nil }
      for offset in stride(from: 0, through: bytes.count - 8, by: 8) {
        guard bytes.rawSpan.number(UInt32.self, at: offset) == SegmentFormat.recordMagic,
          try record(in: file, at: position + offset, fileEnd: fileEnd) != nil
        else { continue }
        return position + offset
      }
      position += bytes.count & ~7
    }
    return nil
  }
}
