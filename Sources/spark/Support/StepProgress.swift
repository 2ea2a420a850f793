import Synchronization

/// A bar that says how far work on a thread of its own has come.
final class StepProgress: Sendable {
  private let isQuiet: Bool
  private let bar = Mutex<ProgressBar?>(nil)

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  func advance(to count: Int, of total: Int, _ remark: String = "blocks") {
    bar.withLock { bar in
      if bar == nil { bar = ProgressBar(total: total, isQuiet: isQuiet) }
      bar!.advance(to: count, remark)
    }
  }

  func clear() { bar.withLock { $0?.clear() } }
}
