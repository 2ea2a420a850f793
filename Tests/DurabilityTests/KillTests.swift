import Foundation
import TestSupport
import Testing

extension Durability {
  @Test("What was replied is there after a kill at any moment, and nothing else is missed")
  func kills() throws {
    var tally = Tally("kill -9 while saving")
    defer { tally.tell() }
    var run = 0
    while run < DurabilityPlan.runs {
      try withTemporaryDirectory { directory in
        let store = TalkedStore(folder: directory.appending(path: "store").path)
        var kept: [String] = []
        // A session that grows forever would only take longer.
        for _ in 0..<min(20, DurabilityPlan.runs - run) {
          try killOnce(store, &kept, run, &tally)
          run += 1
        }
      }
    }
  }

  /// - Parameter kept: questions and replies that must be there.
  private func killOnce(
    _ store: TalkedStore, _ kept: inout [String], _ run: Int, _ tally: inout Tally
  ) throws {
    tally.begin()
    var random = DurabilityPlan.randomness("kill", run: run)
    let asked = (0..<3).map { TalkedStore.question(kept.count / 2 + $0) }
    let process = try SparkProcess(store.chat())
    for question in asked { process.say(question) }
    // Some while it begins, most in the hundredths of a second after the end of a reply, in which the
    // next one is read, said and kept.
    let ended = Int.random(in: 0...3, using: &random)
    if ended > 0 { process.read(lines: ended, for: 60) }
    process.read(for: .random(in: 0...(ended > 0 ? 0.06 : 0.4), using: &random))
    let killed = process.kill()
    if killed.status >= 128, killed.status != 128 + SIGKILL {
      tally.note(.crash, run: run, "signal \(killed.status - 128): \(killed.errors)")
    }
    // Nothing is lost, so nothing is to be said.
    if !killed.warnings.isEmpty {
      tally.noteNotice()
      tally.note(.silence, run: run, "a remark without a cause: \(killed.errors)")
    }

    let shown = try store.show()
    if shown.hasCrashed { return tally.note(.crash, run: run, shown.errors) }
    guard shown.status == 0 else {
      // Killed before there was a session.
      let isNew = kept.isEmpty && !killed.text.contains("\n")
      return isNew ? () : tally.note(.loss, run: run, shown.errors)
    }
    let turns = try TalkedStore.turns(shown)
    guard turns.starts(with: kept), turns.count % 2 == 0 else {
      return tally.note(.loss, run: run, "\(turns) are not \(kept) and more")
    }
    let new = Array(turns[kept.count...])
    let questions = stride(from: 0, to: new.count, by: 2).map { new[$0] }
    let replies = stride(from: 1, to: new.count, by: 2).map { new[$0] }
    // A reply's line ends once it is kept: what was seen of a reply that is not has no end.
    let whole = TalkedStore.output(replies)
    let isWhole = whole.hasPrefix(killed.text)
    let isOneBehind =
      killed.text.hasPrefix(whole) && !killed.text.dropFirst(whole.count).contains("\n")
    if !questions.elementsEqual(asked.prefix(questions.count)) || !(isWhole || isOneBehind) {
      tally.note(.loss, run: run, "\(killed.text) was seen, \(new) was kept")
    }
    // What nobody saw the end of may be kept, but only one exchange of it.
    let seen = killed.text.count { $0 == "\n" }
    if replies.count > seen + 1 {
      tally.note(.silence, run: run, "\(replies.count) replies are kept, \(seen) were seen")
    }
    kept = turns
  }
}
