extension Duration {
  /// None where it is negative, and the most that there are where it is longer.
  var wholeNanoseconds: UInt64 {
    let count = Swift.max(0, self / .nanoseconds(1))
    return count < 0x1p64 ? UInt64(count) : .max
  }
}
