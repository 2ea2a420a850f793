/// A line on standard error that says how far a long work has come; silent where standard error is no
/// terminal, and in the first second.
///
/// One task at a time uses it.
final class ProgressBar {
  private static let width = 30

  private let total: Int
  private let output = Output.error
  private let isShown: Bool
  private let began = ContinuousClock.now
  /// Steps that were done before it began: they took no time.
  private let start: Int
  private var done: Int
  private var isDrawn = false
  private var drawn = ContinuousClock.now

  init(total: Int, from start: Int = 0, isQuiet: Bool = false) {
    self.total = total
    self.start = start
    done = start
    isShown = !isQuiet && Output.error.isTerminal
  }

  /// Notes that one of `total` steps is done, of which `remark` says what it was.
  func advance(_ remark: String = "") { advance(to: done + 1, remark) }

  /// Notes that `count` of `total` steps are done.
  func advance(to count: Int, _ remark: @autoclosure () -> String) {
    done = count
    let now = ContinuousClock.now
    // Drawn ten times a second, so that a terminal far away does not slow the work.
    guard isShown, now - began > .seconds(1), done == total || now - drawn > .milliseconds(100)
    else { return }
    drawn = now
    let filled = Self.width * done / max(1, total)
    let bar =
      String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
    let left = (now - began).seconds / Double(max(1, done - start)) * Double(total - done)
    output.tell(
      "\r\u{1B}[K[\(bar)] \(done) of \(total), \(Int(left.rounded(.up))) s to go  \(remark())")
    isDrawn = true
  }

  /// Steps in a second, since it began.
  var rate: Double { Double(done - start) / max(1e-9, (ContinuousClock.now - began).seconds) }

  /// Takes the line away, before something else is written.
  func clear() {
    guard isDrawn else { return }
    output.tell("\r\u{1B}[K")
    isDrawn = false
  }
}
