/// How long the same work takes, against the best it took at the same level: what is left to go by
/// where no sensor speaks.
struct DriftTrack: Sendable, Equatable {
  private var level = 0
  private var mean = 0.0
  private var count = 0
  /// The least mean cost seen at each level, in seconds.
  private var anchors: [Int: Double] = [:]
  private var slowSince: Double?
  private(set) var steadySince: Double?
  private(set) var drift = 0.0

  /// Slower than the anchor by this share is drift.
  private static let threshold = 0.10
  private static let needed = 10.0

  mutating func note(_ cost: Double?, level: Int, at time: Double) {
    if level != self.level {
      self.level = level
      (count, slowSince, steadySince, drift) = (0, nil, nil, 0)
    }
    // No work tells nothing: neither that it drifts nor that it does not.
    guard let cost, cost > 0, cost.isFinite else {
      (slowSince, steadySince) = (nil, nil)
      return
    }
    count += 1
    mean = count == 1 ? cost : mean + (cost - mean) / Double(min(count, 6))
    guard count >= 5 else { return }
    let anchor = min(anchors[level] ?? .infinity, mean)
    anchors[level] = anchor
    drift = mean / anchor - 1
    if drift > Self.threshold {
      steadySince = nil
      slowSince = slowSince ?? time
    } else {
      slowSince = nil
      steadySince = steadySince ?? time
    }
  }

  /// The share by which work has been slower for ten seconds; nil when it has not.
  func lasting(at time: Double) -> Double? {
    guard let slowSince, time - slowSince >= Self.needed else { return nil }
    return drift
  }
}
