#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Zeroed memory from the system, in one piece, given back when the last reference goes.
///
/// Pages are taken only when first touched, so that a generous reservation costs nothing.
/// It is `Sendable`, unchecked: the address never changes; who may write where is its users' affair.
@safe
package final class Arena: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Reserves `byteCount` bytes. Huge pages are asked for when `isHot`: what every step streams
  /// through, such as weights.
  package init(byteCount: Int, isHot: Bool = false) throws(ModelError) {
    let length = max(byteCount, 1)
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let mapping = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw ModelError(
        "the system refused \(length / 1_048_576) MiB of memory; use a smaller model or context.",
        isAboutMachine: true)
    }
    if isHot { unsafe madvise(mapping, length, MADV_HUGEPAGE) }
    unsafe base = mapping
    self.byteCount = length
  }

  /// Gives the pages back to the system; what was in them reads as zeros.
  func decommit() { unsafe madvise(base, byteCount, MADV_DONTNEED) }

  deinit { unsafe munmap(base, byteCount) }
}

/// Hands out pieces of an arena one after another, 64-byte aligned.
package struct ArenaCursor {
  private var offset = 0

  package init() {}

  /// The bytes handed out so far: what an arena has to hold.
  package var byteCount: Int { offset }

  /// The offset of the next `byteCount` bytes.
  package mutating func take(_ byteCount: Int) -> Int {
    let start = offset
    offset = (offset + byteCount + 63) / 64 * 64
    return start
  }
}
