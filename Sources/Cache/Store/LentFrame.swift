/// A frame in L1 that its borrower may read in place until it is given back, exactly once. Nobody
/// moves or overwrites it meanwhile, even when its block is invalidated.
///
/// Valid while the store lives.
@safe
package struct LentFrame: @unchecked Sendable {
  package let key: FrameKey
  /// The slot, a small number that stays the frame's as long as it is lent.
  package let slot: Int
  /// Whether these are the bits that were put; false for what a lossy codec kept of them.
  package let isExact: Bool
  private let buffer: UnsafeRawBufferPointer

  init(key: FrameKey, slot: Int, isExact: Bool, buffer: UnsafeRawBufferPointer) {
    self.key = key
    self.slot = slot
    self.isExact = isExact
    unsafe self.buffer = unsafe buffer
  }

  /// The frame's bytes, 64-byte aligned.
  package var bytes: UnsafeRawBufferPointer { unsafe buffer }
}
