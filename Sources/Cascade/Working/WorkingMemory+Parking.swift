package import Cache
package import Model

/// Making room for another sequence, and going on later with the same bits.
extension WorkingMemory {
  /// Copies all blocks to `file`, one behind the other, and gives them back. Where writing fails, nothing
  /// has changed. Only ``unpark(from:in:)`` and ``removeAll(from:)`` may follow.
  package mutating func park(to file: ScratchFile, in pool: KVBlockPool) throws(DiskError) {
    let size = pool.layout.blockByteCount
    for (place, block) in blocks.enumerated() {
      let bytes = unsafe UnsafeRawBufferPointer(start: pool.pointer(to: block), count: size)
      unsafe try file.write(bytes, at: place * size)
    }
    for block in blocks { pool.release(block) }
    isParked = true
  }

  /// Takes new blocks and copies back what was parked.
  ///
  /// - Returns: false where the pool has too few blocks; nothing has changed then, as when reading fails.
  package mutating func unpark(
    from file: ScratchFile, in pool: KVBlockPool
  ) throws(DiskError) -> Bool {
    precondition(isParked)
    let size = pool.layout.blockByteCount
    guard heldBlocks <= pool.available else { return false }
    var blocks = (0..<heldBlocks).map { _ in pool.take()! }
    do throws(DiskError) {
      for (place, block) in blocks.enumerated() {
        let bytes = unsafe UnsafeMutableRawBufferPointer(
          start: pool.pointer(to: block), count: size)
        unsafe try file.read(into: bytes, at: place * size)
      }
    } catch {
      for block in blocks { pool.release(block) }
      throw error
    }
    if sinkBlock != nil { sinkBlock = blocks.removeFirst() }
    held = blocks
    held.reserveCapacity(roomForBlocks)
    isParked = false
    return true
  }
}
