/// What a chat tells beside the replies: on standard error, dimmed where that is a terminal.
struct ChatRemarks: Sendable {
  private let isDimmed: Bool

  init(environment: [String: String] = ProcessEnvironment.current) {
    isDimmed =
      Output.error.isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
      && environment["TERM"] != "dumb"
  }

  /// Tells whole lines.
  func tell(_ lines: String) {
    Output.error.tell(isDimmed ? "\u{1B}[2m\(lines)\u{1B}[22m" : lines)
  }

  /// Tells one sentence.
  func remark(_ sentence: String) { tell("spark: \(sentence)\n") }
}
