/// Checking what is kept against its checksums.
extension TieredStore {
  /// Reads a block as it is on disk, past whatever memory has of it, and checks it against its
  /// checksums; frames that are only in memory are decoded. What is damaged on disk is no longer used
  /// from there. Reads files.
  ///
  /// - Throws: as ``fetch(_:)``, for the first frame that is not what was put.
  package func verify(_ identity: BlockIdentity) throws(StoreError) {
    try checkOpen()
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: frameBytes, alignment: 64)
    defer { unsafe buffer.deallocate() }
    for frame in 0..<framesPerBlock {
      unsafe try verify(FrameKey(block: identity, frame: UInt16(frame)), into: buffer)
    }
  }

  private func verify(
    _ key: FrameKey, into buffer: UnsafeMutableRawBufferPointer
  ) throws(StoreError) {
    // Compaction may come between a few times.
    for _ in 0..<64 {
      guard let place = withState({ $0.recordPlace(of: key) }) else {
        _ = unsafe try copy(key, into: buffer)
        return
      }
      do throws(ReadFailure) {
        _ = unsafe try read(key, at: place, into: buffer)
        return
      } catch {
        switch error {
        case .moved: continue
        case .damaged: _ = withState { $0.markDamaged(key, at: place) }
        case .disk: withState { $0.statistics.diskErrors += 1 }
        }
        throw self.error(error, reading: key)
      }
    }
    throw error(.moved, reading: key)
  }
}
