#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The two clocks that a store reads, both in nanoseconds.
package struct StoreClock: Sendable {
  /// Only ever grows: deadlines and rates.
  package var now: @Sendable () -> UInt64
  /// Since 1970: the order of what different processes put and forget.
  package var wall: @Sendable () -> UInt64

  package init(now: @escaping @Sendable () -> UInt64, wall: @escaping @Sendable () -> UInt64) {
    self.now = now
    self.wall = wall
  }

  package static let system = StoreClock(
    now: { read(CLOCK_MONOTONIC) }, wall: { read(CLOCK_REALTIME) })

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

extension Duration {
  /// Whole nanoseconds; negative ones are none.
  package var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds / 1_000_000_000))
  }
}
