internal import Cache

/// Reads the sections of a snapshot one after another, and checks everything that can be checked
/// without knowing what they say.
struct SnapshotReader {
  let source: SnapshotSource
  private let compressor: SectionCompressor
  /// The checksum of everything up to here.
  private(set) var link: UInt64
  private var sections: UInt64 = 0
  private(set) var byteCount = 0

  struct Section {
    var kind: SnapshotFormat.Kind
    var content: [UInt8]
    /// Where it begins in the snapshot.
    var offset: Int
  }

  init(_ source: SnapshotSource) throws(SnapshotError) {
    self.source = source
    compressor = try SnapshotError.aboutEncoding { () throws(CodecError) in
      try SectionCompressor()
    }
    link = 0
    var preamble: [UInt8] = []
    while preamble.count < SnapshotFormat.preambleBytes {
      let got = try source.read(SnapshotFormat.preambleBytes - preamble.count, into: &preamble)
      if got == 0 { break }
    }
    byteCount = preamble.count
    guard preamble.starts(with: SnapshotFormat.magic.prefix(preamble.count)) else {
      throw SnapshotError(
        .foreign,
        "\(source.name) is no snapshot of a session; name a file that spark session export made.")
    }
    guard preamble.count == SnapshotFormat.preambleBytes else {
      throw truncated(in: "its beginning")
    }
    var cursor = SnapshotCursor(preamble)
    _ = cursor.take(bytes: SnapshotFormat.magic.count)
    let (version, flags): (UInt32, UInt32) = (cursor.take()!, cursor.take()!)
    guard version > 0 else { throw damaged("its version is 0", at: 8) }
    guard version == SnapshotFormat.version, flags == 0 else {
      throw SnapshotError(
        .tooNew,
        "\(source.name) is a snapshot of version \(version) with flags \(flags), and this Spark reads "
          + "version \(SnapshotFormat.version) without any; import it with a later version of Spark."
      )
    }
    link = Checksum.xxh64(preamble)
  }

  /// The next section.
  mutating func next() throws(SnapshotError) -> Section {
    let offset = byteCount
    let bytes = try take(SnapshotFormat.sectionHeaderBytes, in: "a section's header")
    let expected = Checksum.xxh64(Array(bytes[..<32]), seed: link)
    var cursor = SnapshotCursor(bytes)
    let (kindCode, encodingCode): (UInt32, UInt32) = (cursor.take()!, cursor.take()!)
    let (storedCount, rawCount): (UInt64, UInt64) = (cursor.take()!, cursor.take()!)
    let (checksum, found): (UInt64, UInt64) = (cursor.take()!, cursor.take()!)
    // Before any of it is believed, lengths above all.
    guard found == expected else {
      throw damaged("a section's header fails its checksum", at: offset)
    }
    link = found
    guard let kind = SnapshotFormat.Kind(rawValue: kindCode),
      let encoding = SnapshotFormat.Encoding(rawValue: encodingCode)
    else { throw damaged("a section is of no kind that there is", at: offset) }
    guard rawCount <= kind.limit, storedCount <= rawCount,
      encoding == .zstd || storedCount == rawCount
    else { throw damaged("the \(kind.name) section claims \(rawCount) bytes", at: offset) }
    let stored = try take(Int(storedCount), in: "the \(kind.name) section")
    guard Checksum.xxh64(stored) == checksum else {
      throw damaged("the \(kind.name) section fails its checksum", at: offset)
    }
    sections += 1
    guard encoding == .zstd else {
      return Section(kind: kind, content: stored, offset: offset)
    }
    do throws(CodecError) {
      let content = try compressor.decompress(stored, count: Int(rawCount))
      return Section(kind: kind, content: content, offset: offset)
    } catch {
      throw damaged("the \(kind.name) section cannot be decompressed", at: offset)
    }
  }

  /// Checks that a section is the end, and that nothing follows it.
  func expectEnd(_ section: Section, turns: Int, blocks: Int) throws(SnapshotError) {
    var cursor = SnapshotCursor(section.content)
    guard section.kind == .end, cursor.take() == sections - 1, cursor.take() == UInt64(turns),
      cursor.take() == UInt64(blocks), cursor.take() == UInt64(section.offset), cursor.isAtEnd
    else { throw damaged("the end does not count what is before it", at: section.offset) }
    var rest: [UInt8] = []
    guard try source.read(1, into: &rest) == 0 else {
      throw damaged("there are bytes behind its end", at: byteCount)
    }
  }

  /// The next `count` bytes. Memory grows with what there is, whatever is claimed.
  private mutating func take(_ count: Int, in part: String) throws(SnapshotError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let got = try source.read(min(count - bytes.count, 1 << 20), into: &bytes)
      byteCount += got
      if got == 0 { throw truncated(in: part) }
    }
    return bytes
  }

  func damaged(_ what: String, at offset: Int) -> SnapshotError {
    SnapshotError(
      .damaged,
      "\(source.name) is damaged: at byte \(offset) \(what); nothing was imported, take another copy."
    )
  }

  private func truncated(in part: String) -> SnapshotError {
    SnapshotError(
      .truncated,
      "\(source.name) is cut off: it ends after \(byteCount) bytes, in \(part); nothing was imported, "
        + "take a whole copy.")
  }
}
