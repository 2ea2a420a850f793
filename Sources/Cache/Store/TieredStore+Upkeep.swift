/// A block's record in a segment, of whatever model and shape.
package struct StoredRecord: Sendable, Hashable {
  package let identity: BlockIdentity
  package let place: RecordPlace
}

/// A segment file, as upkeep sees it.
package struct SegmentCondition: Sendable, Equatable {
  package let number: Int
  package let path: String
  package let byteCount: Int
  /// Bytes that nothing refers to.
  package let deadBytes: Int
  /// Whether a part of it was found damaged when it was read.
  package let isDamaged: Bool
}

/// A file among the segments that cannot be read.
package struct UnreadableSegment: Sendable, Equatable {
  package let number: Int
  package let path: String
  /// Whether a later version of the program wrote it; then it is no damage.
  package let isNewer: Bool
}

/// Checking and tidying a store's files as a whole. Everything here reads files or writes them.
extension TieredStore {
  // MARK: - Looking

  /// The record of every block on disk, in the order of the files.
  package func records() -> [StoredRecord] {
    withState { state in
      state.index.compactMap { identity, block in
        state.blocks[block].place.map { StoredRecord(identity: identity, place: $0) }
      }
    }.sorted { ($0.place.segment, $0.place.offset) < ($1.place.segment, $1.place.offset) }
  }

  /// Whether a block is here as a whole, of whatever shape it is.
  package func holds(_ identity: BlockIdentity) -> Bool {
    withState { state in
      guard let block = state.index[identity] else { return false }
      return state.blocks[block].isForeign
        ? state.blocks[block].place != nil : state.worstTier(of: identity) != nil
    }
  }

  /// What whoever put a block has written beside it, of whatever shape it is.
  package func anyMetadata(of identity: BlockIdentity) -> [UInt8]? {
    withState { state in state.index[identity].map { state.blocks[$0].metadata } }
  }

  /// Reads a record, and compares every part with its checksum.
  ///
  /// - Returns: what is wrong; nil when nothing is, or when the record is not there any more.
  package func check(_ record: StoredRecord) throws(StoreError) -> String? {
    try checkOpen()
    let place = record.place
    guard let file = table[place.segment] else { return nil }
    let found: String?
    do throws(DiskError) {
      // Not from a mapping: a device that fails is then an error, not the end of the process.
      let bytes = try file.read(place.offset..<place.offset + place.byteCount)
      found = Self.damage(
        bytes, of: record.identity,
        seed: SegmentFormat.seed(salt: file.header.salt, offset: place.offset))
    } catch {
      withState { $0.statistics.diskErrors += 1 }
      throw storeError(error)
    }
    let isThere = withState { state in
      state.index[record.identity].flatMap { state.blocks[$0].place } == place
    }
    return isThere ? found : nil
  }

  private static func damage(
    _ bytes: [UInt8], of identity: BlockIdentity, seed: UInt64
  ) -> String? {
    guard let header = RecordHeader(bytes.rawSpan, seed: seed), header.identity == identity,
      header.byteCount == bytes.count
    else { return "its header fails its checksum" }
    func isWhole(_ range: Range<Int>, _ checksum: UInt64) -> Bool {
      Checksum.xxh64(bytes.rawSpan.extracting(range)) == checksum
    }
    guard isWhole(header.paddedMetadataRange, header.metadataChecksum) else {
      return "what was kept beside its keys and values fails its checksum"
    }
    for (layer, section) in header.sections.enumerated() where !section.isAbsent {
      guard isWhole(section.paddedRange, section.storedChecksum) else {
        return "the frame of layer \(layer) fails its checksum"
      }
    }
    return nil
  }

  /// Every segment that can be read, in order.
  package func segmentConditions() throws(StoreError) -> [SegmentCondition] {
    guard folder != nil else { return [] }
    return try withGate { (_, segments) throws(DiskError) in
      segments.segments.map { number, segment in
        SegmentCondition(
          number: number, path: segment.file.path, byteCount: segment.end,
          deadBytes: segment.deadBytes, isDamaged: segment.isDamaged)
      }.sorted { $0.number < $1.number }
    }
  }

  /// Files with a segment's name that cannot be read.
  package func unreadableSegments() throws(StoreError) -> [UnreadableSegment] {
    guard folder != nil else { return [] }
    return try withGate { (_, segments) throws(DiskError) in
      segments.unreadable.map { number, failure in
        var isNewer = false
        if case .version = failure { isNewer = true }
        return UnreadableSegment(number: number, path: segments.path(number), isNewer: isNewer)
      }.sorted { $0.number < $1.number }
    }
  }

  // MARK: - Tidying

  /// Leaves a segment's dead and damaged bytes behind, by copying the rest.
  ///
  /// - Returns: false when another process writes to it, or compacts it.
  package func compact(segment number: Int) throws(StoreError) -> Bool {
    try checkOpen()
    return try withGate { (_, segments) throws(DiskError) in
      segments.segments[number] == nil ? true : try compact(number, in: segments)
    }
  }

  /// Lets go of blocks, as writing does, until the files are within the disk budget.
  package func shrinkToBudget() throws(StoreError) {
    try checkOpen()
    guard folder != nil else { return }
    try withGate { (_, segments) throws(DiskError) in try makeRoom(for: 0, in: segments) }
  }

  /// Renames a file that cannot be read; see ``unreadableSegments()``.
  ///
  /// - Returns: its new path; nil when it is left as it is, since a later version may read it.
  package func setAside(segment number: Int, suffix: String) throws(StoreError) -> String? {
    try checkOpen()
    return try withGate { (_, segments) throws(DiskError) in
      try segments.setAside(number, suffix: suffix)
    }
  }

  /// Runs `body` while no other store has the folder open, in this process or another.
  ///
  /// - Returns: false, and `body` was not run, when another one has.
  package func alone(_ body: () -> Void) throws(StoreError) -> Bool {
    try checkOpen()
    guard folder != nil else { return false }
    return try withGate { (_, segments) throws(DiskError) in
      try segments.alone { () throws(DiskError) in body() } != nil
    }
  }
}
