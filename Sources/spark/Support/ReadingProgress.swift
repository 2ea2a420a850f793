import Synchronization

/// A bar that says how far the reading of a text has come, drawn from the engine's thread.
final class ReadingProgress: Sendable {
  private let total: Int
  private let isQuiet: Bool
  /// Nil before the first tokens are read: what memory had already took no time.
  private let bar = Mutex<ProgressBar?>(nil)

  init(total: Int, isQuiet: Bool) {
    self.total = total
    self.isQuiet = isQuiet
  }

  func advance(to count: Int) {
    bar.withLock { bar in
      guard let bar else {
        bar = ProgressBar(total: total, from: count, isQuiet: isQuiet)
        return
      }
      bar.advance(to: count, "\(Int(bar.rate)) tokens/s")
    }
  }

  func clear() { bar.withLock { $0?.clear() } }
}
