internal import Cache

/// Writes the sections of a snapshot one after another.
///
/// Each section's header ends in a checksum that starts from the one of the section before, so that
/// the last one stands for all bytes of the file.
struct SnapshotWriter {
  private let sink: any SnapshotSink
  private let compressor: SectionCompressor
  private var link: UInt64
  private var sections: UInt64 = 0
  private(set) var byteCount: Int

  init(to sink: any SnapshotSink) throws(SnapshotError) {
    self.sink = sink
    compressor = try SnapshotError.aboutEncoding { () throws(CodecError) in
      try SectionCompressor()
    }
    var preamble = SnapshotBytes()
    preamble.put(SnapshotFormat.magic)
    preamble.put(SnapshotFormat.version)
    preamble.put(UInt32(0))
    link = Checksum.xxh64(preamble.bytes)
    byteCount = preamble.bytes.count
    try sink.write(preamble.bytes)
  }

  /// - Parameter isDense: whether the content cannot be compressed further.
  mutating func write(
    _ kind: SnapshotFormat.Kind, _ content: [UInt8], isDense: Bool = false
  ) throws(SnapshotError) {
    guard content.count <= kind.limit else {
      throw SnapshotError(
        .tooLarge,
        "a snapshot cannot hold a session with \(content.count >> 20) MiB in one \(kind.name) section, "
          + "where \(kind.limit >> 20) MiB at most can be; export it with --form text, or a shorter one."
      )
    }
    let packed =
      isDense
      ? nil
      : try SnapshotError.aboutEncoding { () throws(CodecError) in
        try compressor.compress(content)
      }
    let stored = packed ?? content
    let encoding: SnapshotFormat.Encoding = packed == nil ? .plain : .zstd
    var header = SnapshotBytes()
    header.put(kind.rawValue)
    header.put(encoding.rawValue)
    header.put(UInt64(stored.count))
    header.put(UInt64(content.count))
    header.put(Checksum.xxh64(stored))
    link = Checksum.xxh64(header.bytes, seed: link)
    header.put(link)
    try sink.write(header.bytes)
    try sink.write(stored)
    byteCount += header.bytes.count + stored.count
    sections += 1
  }

  /// Writes what says that nothing is missing.
  mutating func end(turns: Int, blocks: Int) throws(SnapshotError) {
    var content = SnapshotBytes()
    content.put(sections)
    content.put(UInt64(turns))
    content.put(UInt64(blocks))
    content.put(UInt64(byteCount))
    try write(.end, content.bytes, isDense: true)
  }
}
