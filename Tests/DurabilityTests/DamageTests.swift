import Foundation
import TestSupport
import Testing

extension Durability {
  private enum Damage: String {
    case flip = "a flipped bit"
    case truncation = "a truncated file"
  }

  @Test("A flipped bit anywhere in a store is told, or changes nothing")
  func flips() throws { try damage(.flip) }

  @Test("A file that is cut off anywhere is told, or changes nothing")
  func truncations() throws { try damage(.truncation) }

  private func damage(_ damage: Damage) throws {
    var tally = Tally(damage.rawValue)
    defer { tally.tell() }
    try withTemporaryDirectory { directory in
      let whole = TalkedStore(folder: directory.appending(path: "whole").path)
      #expect(try whole.say(TalkedStore.questions).status == 0)
      // One that was left in the middle of a reply, with its log as it was then.
      let left = try whole.copy(to: directory.appending(path: "left"))
      let process = try SparkProcess(left.chat(["-n", "400"]))
      process.say("Tell me a long story.")
      process.read(for: 0.4)
      _ = process.kill()
      let stores = [whole, left]
      let expected = try stores.enumerated().map { number, store in
        try Expectation(of: store, in: directory.appending(path: "expected-\(number)"))
      }
      for run in 0..<DurabilityPlan.runs {
        let place = directory.appending(path: "run")
        let (store, expectation) = (stores[run % 2], expected[run % 2])
        try damageOnce(damage, store.copy(to: place), expectation, run, &tally)
        try FileManager.default.removeItem(at: place)
      }
    }
  }

  /// What an undamaged store says.
  private struct Expectation {
    static let question = "What do foxes eat, and where does the bear sleep?"

    let turns: [String]
    let reply: String

    init(of store: TalkedStore, in place: URL) throws {
      turns = try TalkedStore.turns(store.show())
      let said = try store.copy(to: place).say([Self.question])
      guard said.status == 0, said.warnings.isEmpty, turns.count >= 2 * TalkedStore.questions.count
      else { throw SparkCommand.Failure("\(turns.count) turns; \(said.errors)") }
      reply = said.text
    }
  }

  private func damageOnce(
    _ damage: Damage, _ store: TalkedStore, _ expected: Expectation, _ run: Int,
    _ tally: inout Tally
  ) throws {
    tally.begin()
    var random = DurabilityPlan.randomness(damage.rawValue, run: run)
    let file = try store.files().randomElement(using: &random)!
    let place = try apply(damage, to: file, &random)
    func wrong(_ finding: Tally.Finding, _ what: String) {
      tally.note(finding, run: run, "\(damage.rawValue) of \(place): \(what)")
    }

    let shown = try store.show()
    let said = try store.say([Expectation.question])
    let after = try store.show()
    for result in [shown, said, after] where result.hasCrashed {
      wrong(.crash, "status \(result.status), \(result.errors)")
    }
    for result in [shown, said, after] where result.status != 0 && !result.hasNotice {
      wrong(.silence, "status \(result.status) without a sentence: \(result.errors)")
    }
    if [shown, said, after].contains(where: \.hasNotice) { tally.noteNotice() }

    if shown.status == 0, try TalkedStore.turns(shown) != expected.turns, !shown.hasNotice {
      wrong(.silence, "\(try TalkedStore.turns(shown)) is shown")
    }
    guard said.status == 0 else { return }
    if said.text != expected.reply, !said.hasNotice {
      wrong(.silence, "\(said.text) is replied, not \(expected.reply)")
    }
    guard after.status == 0 else { return }
    let kept = try TalkedStore.turns(after)
    let reply = kept.last.map { TalkedStore.output([$0]) }
    if !kept.starts(with: expected.turns) {
      // Before it was told to the next reader it was told to none.
      said.hasNotice || after.hasNotice
        ? wrong(.loss, "\(kept) with \(said.errors)") : wrong(.silence, "\(kept) is kept")
    } else if kept.count != expected.turns.count + 2 || reply != said.text {
      wrong(.loss, "\(kept.suffix(2)) is kept of \(said.text)")
    }
  }

  /// - Returns: what was done, for people.
  private func apply(
    _ damage: Damage, to file: URL, _ random: inout SeededGenerator
  ) throws -> String {
    var bytes = [UInt8](try Data(contentsOf: file))
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch damage {
    case .flip: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case .truncation: bytes.removeLast(bytes.count - place)
    }
    try Data(bytes).write(to: file)
    return "\(file.lastPathComponent) at \(place)"
  }
}
