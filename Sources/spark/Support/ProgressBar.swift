/// A line on the terminal that tells how far a run is; elsewhere nothing.
struct ProgressBar {
  private let output = Output.error
  private let isShown: Bool
  private let total: Int
  private let begun = ContinuousClock.now
  private var done = 0
  private var shown: ContinuousClock.Instant?

  init(total: Int, quiet: Bool = false) {
    self.total = max(1, total)
    isShown = !quiet && Output.error.isTerminal
  }

  /// Counts one more, of which `remark` says what it was.
  mutating func advance(_ remark: String) {
    done += 1
    guard isShown else { return }
    let now = ContinuousClock.now
    // A terminal that is far away should not slow the run.
    if let shown, now - shown < .milliseconds(100), done < total { return }
    shown = now
    let width = 24
    let filled = min(width, done * width / total)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let rate = Double(done) / max(1e-9, (now - begun).seconds)
    output.tell(
      "\r\u{1B}[2K\(bar) \(done)/\(total)  \(rate.inTenths)/s, "
        + "\(Int(Double(total - done) / rate)) s to go  \(remark)")
  }

  /// Takes the line away.
  func clear() {
    if isShown, shown != nil { output.tell("\r\u{1B}[2K") }
  }

  var seconds: Double { (ContinuousClock.now - begun).seconds }
}
