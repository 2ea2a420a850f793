/// A sensor's last minute: where it is, where it is going, and whether it can be believed.
struct TemperatureTrack: Sendable, Equatable {
  private struct Point: Equatable {
    var time: Double
    var celsius: Double
  }

  /// Readings of about the last minute, oldest first.
  private var points: [Point] = []
  private var unchangedSince: Double?
  /// Whether the work was changed, or begun, since the reading last moved.
  private var workChanged = true
  private(set) var lostSince: Double?
  private(set) var limit: Double?

  /// A reading that does not move for this long while the work does is not a temperature; neither is
  /// one that stands still for ten minutes.
  private static let stuckAfter = (workChanged: 90.0, atAll: 600.0)
  private static let span = 60.0

  mutating func note(_ celsius: Double?, limit: Double?, at time: Double) {
    guard let celsius, let limit else {
      points.removeAll(keepingCapacity: true)
      unchangedSince = nil
      if self.limit != nil, lostSince == nil { lostSince = time }
      return
    }
    self.limit = limit
    if celsius != points.last?.celsius || unchangedSince == nil {
      if unchangedSince != nil { workChanged = false }
      unchangedSince = time
    }
    points.append(Point(time: time, celsius: celsius))
    let old = points.firstIndex { $0.time > time - Self.span } ?? 0
    points.removeFirst(max(old, points.count - 128))
    let still = time - (unchangedSince ?? time)
    let isStuck = still >= (workChanged ? Self.stuckAfter.workChanged : Self.stuckAfter.atAll)
    if !isStuck {
      lostSince = nil
    } else if lostSince == nil {
      lostSince = time
    }
  }

  mutating func noteWorkChange() { workChanged = true }

  /// Mean of the last eight readings; nil when there are none or they cannot be believed.
  var celsius: Double? {
    guard lostSince == nil, !points.isEmpty else { return nil }
    return Self.mean(points.suffix(8)).celsius
  }

  /// The last two readings, the lower of them: a spike alone is noise.
  var newest: Double? {
    guard lostSince == nil, points.count >= 2 else { return nil }
    return points.suffix(2).map(\.celsius).min()
  }

  /// What it will be in `seconds`, if it goes on as over the last `window` readings; not below what
  /// it is, unless `falling` may count too.
  func projected(_ seconds: Double, window: Int, falling: Bool = false) -> Double? {
    guard let celsius else { return nil }
    let recent = points.suffix(window)
    let third = recent.count / 3
    guard third >= 2 else { return celsius }
    let (early, late) = (Self.mean(recent.prefix(third)), Self.mean(recent.suffix(third)))
    guard late.time > early.time else { return celsius }
    let slope = (late.celsius - early.celsius) / (late.time - early.time)
    return celsius + (falling ? slope : max(0, slope)) * seconds
  }

  private static func mean(_ points: ArraySlice<Point>) -> Point {
    let count = Double(points.count)
    return Point(
      time: points.reduce(0) { $0 + $1.time } / count,
      celsius: points.reduce(0) { $0 + $1.celsius } / count)
  }
}
