/// Says when the background may write again, so that it neither fills the disk's time nor wears it out.
struct WriteBudget: Sendable {
  let bytesPerSecond: Int?
  let bytesPerDay: Int?
  /// Nanoseconds of the clock before which nothing more is written.
  private var free: UInt64 = 0
  private var day: UInt64 = 0
  private var writtenToday = 0

  private static let dayNanoseconds: UInt64 = 86_400_000_000_000

  init(bytesPerSecond: Int?, bytesPerDay: Int?) {
    self.bytesPerSecond = bytesPerSecond
    self.bytesPerDay = bytesPerDay
  }

  /// Nanoseconds to wait before the next write; nil: until tomorrow.
  mutating func delay(now: UInt64, wall: UInt64) -> UInt64? {
    turnDay(wall)
    if let bytesPerDay, writtenToday >= bytesPerDay { return nil }
    return free > now ? free - now : 0
  }

  /// Notes what was written.
  mutating func spend(_ bytes: Int, now: UInt64, wall: UInt64) {
    turnDay(wall)
    writtenToday += bytes
    guard let bytesPerSecond else { return }
    free = max(free, now) + UInt64(Double(bytes) / Double(max(1, bytesPerSecond)) * 1e9)
  }

  private mutating func turnDay(_ wall: UInt64) {
    guard wall / Self.dayNanoseconds != day else { return }
    day = wall / Self.dayNanoseconds
    writtenToday = 0
  }
}
