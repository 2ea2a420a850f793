/// Gives memory back before the kernel has to take it: halves the caches' share when memory is short,
/// and lets it grow by eighths once memory has been plentiful for a while.
struct CacheGovernor: Sendable, Equatable {
  private(set) var share = 1.0
  private var lastChange = -Double.infinity
  private var easySince: Double?

  private static let floor = 1.0 / 16

  /// - Returns: why the share changed; nil when it did not.
  mutating func decide(_ reading: Reading, at time: Double) -> GovernorReason? {
    let (left, pressure) = (reading.memoryLeft, reading.memoryPressure)
    let isShort = left.map { $0 < 0.08 } ?? false
    let isPressed = pressure.map { $0 > 10 } ?? false
    if isShort || isPressed {
      easySince = nil
      // The kernel's averages need ten seconds to show what the last halving did.
      guard share > Self.floor, time - lastChange >= 10 else { return nil }
      share = max(Self.floor, share / 2)
      lastChange = time
      return .memoryShort(left: isShort ? left : nil, pressure: isPressed ? pressure : nil)
    }
    // Unknown is not plentiful.
    let isEasy = (left ?? 0) > 0.2 && (pressure ?? 0) < 1
    easySince = isEasy ? easySince ?? time : nil
    guard share < 1, let easySince, time - max(easySince, lastChange) >= 30 else { return nil }
    share = min(1, share + 0.125)
    lastChange = time
    return .memoryEased
  }
}
