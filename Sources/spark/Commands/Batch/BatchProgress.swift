import Generation

/// A line on standard error that says how far a batch has come; silent where standard error is no terminal.
struct BatchProgress {
  private static let width = 20

  private let isShown: Bool
  private var isDrawn = false
  private var drawn = ContinuousClock.now
  private let began = ContinuousClock.now
  /// Over minutes: prompts come in uneven sizes.
  private var prompts = MovingRate(span: 300)
  private var tokens = MovingRate(span: 10)

  init(isQuiet: Bool) { isShown = !isQuiet && Output.error.isTerminal }

  /// - Parameters:
  ///   - done: prompts, of this run and those before.
  ///   - tokens: generated in this run.
  ///   - total: nil where nobody knows.
  mutating func show(done: Int, of total: Int?, tokens count: Int, _ remarks: [String]) {
    guard isShown else { return }
    let now = ContinuousClock.now
    let time = (now - began).seconds
    prompts.note(done, at: time)
    tokens.note(count, at: time)
    guard now - drawn > .milliseconds(200) else { return }
    drawn = now
    var parts = ["\(done)\(total.map { " of \($0)" } ?? "") prompts"]
    if let rate = tokens.perSecond { parts.append("\(Int(rate.rounded())) tokens/s") }
    if let total, let left = prompts.seconds(for: total - done) {
      parts.append("\(Self.words(left)) to go")
    }
    Output.error.tell(
      "\r\u{1B}[K\(total.map { Self.bar(done, of: $0) } ?? "")\((parts + remarks).joined(separator: ", "))"
    )
    isDrawn = true
  }

  /// Takes the line away, before something else is written.
  mutating func clear() {
    guard isDrawn else { return }
    Output.error.tell("\r\u{1B}[K")
    isDrawn = false
  }

  private static func bar(_ done: Int, of total: Int) -> String {
    let filled = min(width, width * done / max(1, total))
    return "[\(String(repeating: "#", count: filled))"
      + "\(String(repeating: "-", count: width - filled))] "
  }

  private static func words(_ seconds: Double) -> String {
    let seconds = Int(min(seconds, 1e9).rounded(.up))
    if seconds < 120 { return "\(seconds) s" }
    if seconds < 7200 { return "\(seconds / 60) min" }
    return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
  }
}
