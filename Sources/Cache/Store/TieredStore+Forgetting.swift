/// Invalidating and forgetting.
extension TieredStore {
  /// What a ``forget(_:)`` has left.
  package struct Forgotten: Sendable, Equatable {
    /// Blocks that were known.
    package var blocks: Int
    /// Segments that still hold forgotten bytes, as another process writes to them or compacts them;
    /// they go when one of the two compacts next, or forgets anything.
    package var segmentsLeft: Int
  }

  /// Forgets blocks: from here on no tier has them, and what the disk holds of them is dead for every
  /// process, for good. Their bytes leave the disk when their segment is compacted.
  ///
  /// Writes a file. When that fails, they are gone from memory, but may come back with the next process:
  /// call it again.
  ///
  /// - Returns: blocks that were known.
  @discardableResult
  package func invalidate(_ scope: BlockScope) throws(StoreError) -> Int {
    try invalidate([scope]) { scope.covers($0, $1) }
  }

  /// The same for every block that `matches`, which is called under the lock: it has to be quick.
  @discardableResult
  package func invalidate(
    where matches: (BlockIdentity, BlockAttributes) -> Bool
  ) throws(StoreError) -> Int {
    try invalidate(nil, where: matches)
  }

  /// Forgets blocks, and takes their bytes from the disk before it returns, and those of what was
  /// forgotten earlier.
  ///
  /// The files are removed, not overwritten: what a file system or a drive keeps of removed files is
  /// theirs. Another process that has the store open keeps what it has in memory until it refreshes.
  @discardableResult
  package func forget(_ scope: BlockScope) throws(StoreError) -> Forgotten {
    try forget([scope]) { scope.covers($0, $1) }
  }

  /// The same for single blocks.
  @discardableResult
  package func forget(_ blocks: Set<BlockIdentity>) throws(StoreError) -> Forgotten {
    try forget(nil) { identity, _ in blocks.contains(identity) }
  }

  private func forget(
    _ scopes: [BlockScope]?, where matches: (BlockIdentity, BlockAttributes) -> Bool
  ) throws(StoreError) -> Forgotten {
    if folder != nil { try refresh() }
    let blocks = try invalidate(scopes, where: matches)
    guard folder != nil else { return Forgotten(blocks: blocks, segmentsLeft: 0) }
    let left = try withGate { (_, segments) throws(DiskError) in
      var left = 0
      for number in segments.segments(withDead: matches)
      where try !compact(number, in: segments) {
        left += 1
      }
      return left
    }
    return Forgotten(blocks: blocks, segmentsLeft: left)
  }

  /// - Parameter scopes: the tombstones to write; nil: one for each block.
  private func invalidate(
    _ scopes: [BlockScope]?, where matches: (BlockIdentity, BlockAttributes) -> Bool
  ) throws(StoreError) -> Int {
    try checkOpen()
    let time = clock.wall()
    // One step: what is put again after it is newer than the tombstone.
    let (victims, sequence) = withState { state in
      let victims = state.invalidate(where: matches)
      return (victims, state.nextSequence(time))
    }
    guard folder != nil else { return victims.count }
    try withGate { (_, segments) throws(DiskError) in
      let scopes = scopes ?? segments.blocks(where: matches).map { .block($0) }
      for scope in scopes where segments.hasRecord(where: { scope.covers($0, $1) }) {
        var record = BlockRecord(tombstone: scope, sequence: sequence)
        _ = try segments.append(&record, time: time)
      }
      try segments.sync()
    }
    return victims.count
  }
}
