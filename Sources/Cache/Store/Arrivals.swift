/// Frames that were prefetched and not used yet. They stay in L1 until they are: a policy that counts uses
/// would have the newcomers leave first, just before the step that they are for.
///
/// A ring: who comes when it is full takes the place of who has waited longest.
struct Arrivals: Sendable {
  private var frames: [Int]
  private var next = 0

  init(capacity: Int) { frames = Array(repeating: -1, count: capacity) }

  /// Adds a frame.
  ///
  /// - Returns: the frame that waits no longer: another, or where there is no place at all the same; nil
  ///   when nobody had to go. It may have been used since, which the caller knows.
  mutating func add(_ frame: Int) -> Int? {
    guard !frames.isEmpty else { return frame }
    let oldest = frames[next]
    frames[next] = frame
    next = next + 1 == frames.count ? 0 : next + 1
    return oldest < 0 ? nil : oldest
  }
}
