/// A block's place in the pool.
package typealias KVBlockID = Int32

/// All KV blocks of a model in memory, shared by reference count.
///
/// Invariant: `available + lent == capacity`. Addresses never change, nothing is allocated after
/// `init`. Not thread-safe: the engine's compute thread owns it.
@safe
package final class KVBlockPool {
  package let layout: KVLayout
  package let capacity: Int

  private let arena: Arena
  private var references: [Int32]
  private var free: [KVBlockID]

  package init(layout: KVLayout, capacity: Int) throws(ModelError) {
    self.layout = layout
    self.capacity = capacity
    arena = try Arena(byteCount: capacity * layout.blockByteCount, isHot: true)
    references = Array(repeating: 0, count: capacity)
    free = Array((0..<KVBlockID(capacity)).reversed())
  }

  package var available: Int { free.count }
  package var lent: Int { capacity - free.count }

  /// Lends a block with one reference; nil when none is left. Its bytes are zeros or an earlier
  /// lender's, always finite numbers.
  package func take() -> KVBlockID? {
    guard let block = free.popLast() else { return nil }
    references[Int(block)] = 1
    return block
  }

  /// Gives a lent block one more holder. While it has several, nobody may write into it.
  package func retain(_ block: KVBlockID) {
    precondition(references[Int(block)] > 0, "block \(block) is not lent")
    references[Int(block)] += 1
  }

  /// Whether a block has more than one holder.
  package func isShared(_ block: KVBlockID) -> Bool { references[Int(block)] > 1 }

  /// Lends a block with the same bytes as `block`, which must not change meanwhile; nil when none is
  /// left.
  package func takeCopy(of block: KVBlockID) -> KVBlockID? {
    guard let copy = take() else { return nil }
    unsafe pointer(to: copy).update(from: pointer(to: block), count: layout.blockByteCount)
    return copy
  }

  /// Takes one of a block's holders away; without any it is free.
  package func release(_ block: KVBlockID) {
    precondition(references[Int(block)] > 0, "block \(block) is not lent")
    references[Int(block)] -= 1
    if references[Int(block)] == 0 { free.append(block) }
  }

  /// Makes a block's tokens from `slot` on zeros, in every layer.
  package func clear(_ block: KVBlockID, from slot: Int) {
    let (length, size) = (layout.blockLength, layout.type.byteCount)
    let valueBytes = layout.valueStride * size
    for layer in 0..<layout.layers {
      var at = unsafe pointer(to: block) + layer * layout.layerByteCount
      // Keys lie channel by channel, values token by token.
      for _ in 0..<layout.kvHeads * layout.headDimension {
        unsafe (at + slot * size).update(repeating: 0, count: (length - slot) * size)
        unsafe at += length * size
      }
      for _ in 0..<layout.kvHeads {
        unsafe (at + slot * valueBytes).update(repeating: 0, count: (length - slot) * valueBytes)
        unsafe at += length * valueBytes
      }
    }
  }

  /// The block's bytes, valid as long as the pool.
  @unsafe
  package func pointer(to block: KVBlockID) -> UnsafeMutablePointer<UInt8> {
    let offset = Int(block) * layout.blockByteCount
    return unsafe (arena.base + offset).assumingMemoryBound(to: UInt8.self)
  }
}
