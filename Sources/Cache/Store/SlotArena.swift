/// The memory of L1: slots of one size, 64-byte aligned, in one reservation that costs nothing until
/// it is touched.
///
/// `Sendable`, unchecked: the address never changes, and who may touch which slot is the state's to say.
@safe
final class SlotArena: @unchecked Sendable {
  let slotCount: Int
  /// Bytes from one slot to the next.
  let stride: Int
  private let frameBytes: Int
  private let base: UnsafeMutableRawPointer
  private let disk: any Disk

  private static let page = 4096

  /// Bytes from one slot to the next: large frames start at pages, so that a slot's memory can be
  /// given back to the system wholly.
  static func stride(frameBytes: Int) -> Int {
    let alignment = frameBytes >= 8 * page ? page : 64
    return (frameBytes + alignment - 1) / alignment * alignment
  }

  init(slotCount: Int, frameBytes: Int, disk: any Disk) throws(DiskError) {
    self.slotCount = slotCount
    self.frameBytes = frameBytes
    self.disk = disk
    stride = Self.stride(frameBytes: frameBytes)
    unsafe base = try disk.reserve(max(1, slotCount * stride))
  }

  deinit { unsafe disk.release(base, byteCount: max(1, slotCount * stride)) }

  /// The bytes of a slot; valid while the arena lives.
  subscript(slot: Int) -> UnsafeMutableRawBufferPointer {
    precondition(slot >= 0 && slot < slotCount, "slot \(slot) of \(slotCount)")
    return unsafe UnsafeMutableRawBufferPointer(start: base + slot * stride, count: frameBytes)
  }

  /// Gives the pages that lie wholly in a slot back to the system.
  func decommit(_ slot: Int) {
    let start = (slot * stride + Self.page - 1) / Self.page * Self.page
    let end = (slot + 1) * stride / Self.page * Self.page
    if start < end { unsafe disk.decommit(base + start, byteCount: end - start) }
  }
}
