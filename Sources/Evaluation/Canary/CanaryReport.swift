/// What requests of owners, neighbours and strangers came to.
package struct CanaryReport: Sendable {
  /// What is known of one kind of asker.
  package struct Row: Sendable, Equatable, Encodable {
    package var event = "askers"
    package var asker: String
    package var requests = 0
    /// Requests that other sessions' blocks took part in.
    package var recalling = 0
    /// Replies that tell the secret.
    package var telling = 0
    package var differing = 0
    package var leaks = 0
  }

  /// All requests together.
  package struct Summary: Sendable, Equatable, Encodable {
    package var event = "leaks"
    package var requests: Int
    package var leaks: Int
    /// The Wilson interval's upper end, 95%.
    package var wilsonUpper: Double
    /// 3/n: where nothing leaked, the share that does is below it with 95% confidence; nil where
    /// something did.
    package var ruleOfThree: Double?
  }

  private var rows: [String: Row] = [:]
  /// The first leaks, to look at.
  package private(set) var examples: [CanaryRun.Outcome] = []

  package init() {}

  package mutating func add(_ outcome: CanaryRun.Outcome) {
    var row = rows[outcome.asker] ?? Row(asker: outcome.asker)
    row.requests += 1
    row.recalling += outcome.recalls ? 1 : 0
    row.telling += outcome.isTold ? 1 : 0
    row.differing += outcome.differs ? 1 : 0
    row.leaks += outcome.isLeak ? 1 : 0
    rows[outcome.asker] = row
    if outcome.isLeak, examples.count < 10 { examples.append(outcome) }
  }

  package func row(_ asker: CanaryRun.Asker) -> Row {
    rows[asker.rawValue] ?? Row(asker: asker.rawValue)
  }

  /// Of those who asked for what they were not told.
  package var summary: Summary {
    let others = [row(.neighbour), row(.stranger)]
    let requests = others.reduce(0) { $0 + $1.requests }
    let leaks = others.reduce(0) { $0 + $1.leaks }
    return Summary(
      requests: requests, leaks: leaks,
      wilsonUpper: Proportion(successes: leaks, trials: requests).interval().upperBound,
      ruleOfThree: leaks == 0 && requests > 0 ? min(1, 3 / Double(requests)) : nil)
  }

  /// Leaks of any asker: an owner's reply may be touched by others, too.
  package var leaks: Int { rows.values.reduce(0) { $0 + $1.leaks } }

  package var markdown: String {
    var table = MarkdownTable(
      head: ["asked by", "requests", "recalled", "told the secret", "differs", "leaks"])
    for asker in CanaryRun.Asker.allCases {
      let row = row(asker)
      table.rows.append(
        [row.asker]
          + [row.requests, row.recalling, row.telling, row.differing, row.leaks].map {
            "\($0)"
          })
    }
    let summary = summary
    var line =
      "\(summary.leaks) leaks in \(summary.requests) requests of neighbours and strangers: at most "
      + "\((100 * summary.wilsonUpper).rounded(to: 3))% (Wilson, 95%)"
    if let most = summary.ruleOfThree {
      line += ", \((100 * most).rounded(to: 3))% by the rule of three"
    }
    return table.description + "\n" + line + ".\n"
  }
}
