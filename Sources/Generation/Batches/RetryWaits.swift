/// How long to wait before what failed is tried again: a quarter of a second, then twice as long each time, a
/// minute at most.
package struct RetryWaits: Sendable {
  private static let longest = Duration.seconds(60)
  private var wait = Duration.milliseconds(250)

  package init() {}

  package mutating func next() -> Duration {
    defer { wait = min(wait * 2, Self.longest) }
    return wait
  }
}
