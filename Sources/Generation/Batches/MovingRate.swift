/// How fast something goes on, by what it did lately: a run of hours has slower and faster ones.
package struct MovingRate: Sendable {
  /// Seconds that count.
  private let span: Double
  /// Oldest first: one from before the span, and all in it.
  private var samples: [(time: Double, count: Int)] = []

  package init(span: Double) { self.span = span }

  /// - Parameters:
  ///   - count: what has been done in all, never less than before.
  ///   - time: seconds, from any moment on.
  package mutating func note(_ count: Int, at time: Double) {
    samples.append((time, count))
    while samples.count > 2, samples[1].time <= time - span { samples.removeFirst() }
  }

  /// For each second; nil while nothing was done or no time has passed.
  package var perSecond: Double? {
    guard let first = samples.first, let last = samples.last, last.time > first.time,
      last.count > first.count
    else { return nil }
    return Double(last.count - first.count) / (last.time - first.time)
  }

  /// Seconds that `count` more will take at this rate; nil: unknown.
  package func seconds(for count: Int) -> Double? { perSecond.map { Double(count) / $0 } }
}
