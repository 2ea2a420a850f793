/// Encoding and decoding, never under a lock.
extension TieredStore {
  /// Encodes a frame. What the codec refuses is kept as it is.
  func pack(_ frame: RawSpan) -> PackedFrame {
    let codec = options.codec
    do throws(CodecError) {
      let bytes = try coders.withCoder { (coder) throws(CodecError) in
        var bytes: [UInt8] = []
        try coder.encode(frame, as: codec, into: &bytes)
        // Without the room that growing has left: the budget counts what is there.
        return Array(bytes[...])
      }
      return PackedFrame(
        codec: codec, bytes: bytes, rawChecksum: codec.isLossless ? Checksum.xxh64(frame) : 0)
    } catch {
      let bytes = unsafe frame.withUnsafeBytes { unsafe Array($0) }
      return PackedFrame(codec: .raw, bytes: bytes, rawChecksum: Checksum.xxh64(frame))
    }
  }

  func decode(
    _ bytes: RawSpan, as codec: FrameCodec, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) {
    try coders.withCoder { (coder) throws(CodecError) in
      var span = unsafe target.mutableBytes
      try coder.decode(bytes, as: codec, into: &span)
    }
  }

  /// Why a frame could not be read.
  enum ReadFailure: Error {
    /// Compaction has moved it since: ask again where it is.
    case moved
    /// Its bytes are not what was written.
    case damaged(String)
    case disk(DiskError)
  }

  /// Reads a frame from its record, with both checksums.
  ///
  /// - Returns: whether `target` holds the bits that were put.
  func read(
    _ key: FrameKey, at place: RecordPlace, into target: UnsafeMutableRawBufferPointer
  ) throws(ReadFailure) -> Bool {
    try withSection(key, at: place) { (section, stored) throws(ReadFailure) in
      do throws(CodecError) {
        unsafe try decode(stored, as: section.codec, into: target)
      } catch {
        throw .damaged(error.description)
      }
      guard section.codec.isLossless else { return false }
      let checksum = unsafe Checksum.xxh64(UnsafeRawBufferPointer(target))
      guard checksum == section.rawChecksum else {
        throw .damaged("its bytes decode to something else")
      }
      return true
    }
  }

  /// A frame as it is on disk, to be written elsewhere.
  func readPacked(_ key: FrameKey, at place: RecordPlace) throws(ReadFailure) -> PackedFrame {
    try withSection(key, at: place) { (section, stored) throws(ReadFailure) in
      PackedFrame(
        codec: section.codec, bytes: unsafe stored.withUnsafeBytes { unsafe Array($0) },
        rawChecksum: section.rawChecksum)
    }
  }

  private func withSection<R>(
    _ key: FrameKey, at place: RecordPlace,
    _ body: (RecordHeader.Section, RawSpan) throws(ReadFailure) -> R
  ) throws(ReadFailure) -> R {
    guard let file = table[place.segment] else { throw .moved }
    let headerBytes = SegmentFormat.headerBytes(frames: framesPerBlock)
    let seed = SegmentFormat.seed(salt: file.header.salt, offset: place.offset)
    let section = try withBytes(
      of: file, place.offset..<place.offset + headerBytes
    ) { (bytes) throws(ReadFailure) in
      guard let header = RecordHeader(bytes, seed: seed), header.identity == key.block else {
        throw .damaged("its header fails its checksum")
      }
      return header.sections[Int(key.frame)]
    }
    guard !section.isAbsent else { throw .damaged("its record lacks it") }
    let range = section.paddedRange
    return try withBytes(
      of: file, place.offset + range.lowerBound..<place.offset + range.upperBound
    ) { (bytes) throws(ReadFailure) in
      guard Checksum.xxh64(bytes) == section.storedChecksum else {
        throw .damaged("its bytes fail their checksum")
      }
      return try body(section, bytes.extracting(0..<section.storedBytes))
    }
  }

  private func withBytes<R>(
    of file: SegmentFile, _ range: Range<Int>, _ body: (RawSpan) throws(ReadFailure) -> R
  ) throws(ReadFailure) -> R {
    do throws(SegmentReadError<ReadFailure>) {
      return try file.withBytes(range, isMapped: options.mapsSegments) {
        (bytes) throws(ReadFailure) in
        guard bytes.byteCount == range.count else {
          throw .damaged("the file ends before it does")
        }
        return try body(bytes)
      }
    } catch {
      switch error {
      case .disk(let error): throw .disk(error)
      case .body(let failure): throw failure
      }
    }
  }
}
