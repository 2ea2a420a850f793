import Testing

/// What came of trying one kind of misfortune many times.
struct Tally {
  let kind: String
  private(set) var runs = 0
  /// Ended by a signal.
  private(set) var crashes = 0
  /// Wrong, and nothing was said about it.
  private(set) var silent = 0
  /// Runs in which something was missing that had been acknowledged, said or not.
  private(set) var lost = 0
  /// Runs in which something was said about it.
  private(set) var notices = 0

  init(_ kind: String) { self.kind = kind }

  enum Finding {
    case crash, silence, loss
  }

  mutating func begin() { runs += 1 }
  mutating func noteNotice() { notices += 1 }

  /// Counts what should not be, and has the test fail with it.
  mutating func note(
    _ finding: Finding, run: Int, _ what: String, location: SourceLocation = #_sourceLocation
  ) {
    switch finding {
    case .crash: crashes += 1
    case .silence: silent += 1
    case .loss: lost += 1
    }
    Issue.record(
      "\(finding) in \(kind), run \(run) of seed \(DurabilityPlan.seed): \(what)",
      sourceLocation: location)
  }

  /// A row for `Scripts/durability`.
  func tell() {
    print(
      "durability: | \(kind) | \(runs) | \(crashes) | \(silent) | \(lost) | \(notices) | seed \(DurabilityPlan.seed)"
    )
  }
}
