import Foundation
import Generation
import Synchronization
import TestSupport
import Testing

extension Durability {
  @Test("A clock that jumps changes no turn and no reply, and lists stay in an order")
  func clocks() async throws {
    var tally = Tally("clock jumps")
    defer { tally.tell() }
    let begin: Int64 = 1_770_000_000
    let year: Int64 = 31_557_600
    var random = DurabilityPlan.randomness("clock", run: 0)
    let jumps =
      [begin, begin - 10 * year, begin + 10 * year, 0, -1, -year, .max, .min, begin]
      + (0..<DurabilityPlan.runs / 20).map { _ in Int64.random(in: .min ... .max, using: &random) }
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-clock-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var replies: [String] = []
    for (run, time) in jumps.enumerated() {
      tally.begin()
      // Jumps on the way as well, back to where it began and on.
      let clock = Mutex(time)
      let engine = try Engine(
        path: SparkCommand.model,
        options: EngineOptions(window: .sliding(tokens: 512), store: folder),
        clock: {
          clock.withLock { now in
            defer { now = now == begin ? time : begin }
            return now
          }
        })
      let chat = try await engine.conversation(named: "fox", scope: .session)
      let options = GenerationOptions(maxTokens: 8, sampling: .greedy)
      var text = ""
      for try await event in try chat.reply(to: TalkedStore.question(run), options: options) {
        if case .token(let token) = event { text += token.text }
      }
      replies.append(text)
      // A session that has no name is named after the day, whatever day it is.
      let unnamed = try await engine.conversation()
      #expect(!unnamed.name.isEmpty)
      try unnamed.discardIfEmpty()
      let kept = try chat.messages()
      let questions = kept.filter { $0.role == .user }.map(\.content)
      let answers = kept.filter { $0.role == .assistant }.map(\.content)
      if questions != (0...run).map(TalkedStore.question) || answers != replies {
        tally.note(.loss, run: run, "\(time): \(kept)")
      }
      let list = try await engine.sessions.list()
      #expect(list.map(\.name) == ["fox"] && [time, begin].contains(list[0].used), "\(time)")
    }
    let listed = try SparkCommand.run(
      ["session", "list", "--store", folder, "--model", SparkCommand.model])
    if listed.hasCrashed { tally.note(.crash, run: jumps.count, listed.errors) }
    #expect(listed.status == 0 && listed.text.contains("fox"), "\(listed.errors)")
    // With a clock that stands still, all is the same.
    let still = FileManager.default.temporaryDirectory
      .appending(path: "spark-clock-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: still) }
    for run in jumps.indices {
      let engine = try Engine(
        path: SparkCommand.model,
        options: EngineOptions(window: .sliding(tokens: 512), store: still), clock: { begin })
      let chat = try await engine.conversation(named: "fox", scope: .session)
      let options = GenerationOptions(maxTokens: 8, sampling: .greedy)
      var text = ""
      for try await event in try chat.reply(to: TalkedStore.question(run), options: options) {
        if case .token(let token) = event { text += token.text }
      }
      if text != replies[run] { tally.note(.silence, run: run, "\(text), not \(replies[run])") }
    }
  }
}
