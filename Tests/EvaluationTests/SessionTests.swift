import Evaluation
import Foundation
import Generation
import Testing

@Suite("Long conversations")
struct SessionTests {
  private static let model = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "models/spark-mini.gguf").path

  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-session-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  @Test("A seed asks the same questions again, another one others")
  func script() {
    func questions(_ seed: UInt64) -> [String] {
      var script = SessionScript(seed: seed)
      return (0..<20).map { _ in script.next() }
    }
    #expect(questions(3) == questions(3) && questions(3) != questions(4))
    #expect(Set(questions(3)).count > 10)
    // Every word that stands for others was filled in.
    #expect(!questions(3).joined().contains(/BEING|PLACE|THING|NAME/))
    var script = SessionScript(seed: 3)
    let text = script.text { $0.count >= 500 }
    #expect((500..<700).contains(text.count))
  }

  @Test("Medians, growth and what is written are those of the turns")
  func report() throws {
    var report = SessionReport()
    #expect(report.summary == nil && report.markdown.isEmpty)
    for turn in 1...8 {
      report.add(
        SessionTurn(
          turn: turn, isAfterRestart: turn == 5, loadSeconds: turn % 4 == 1 ? 2 : 0,
          openSeconds: turn % 4 == 1 ? 0.5 : 0, firstTokenSeconds: turn == 5 ? 10 : Double(turn),
          tokensRead: 4, reread: turn == 5 ? 7 : 1, generated: 6, tokensPerSecond: 100,
          newTokens: 10, newKeyValueBytes: 1000, segmentBytesWritten: 1500,
          catalogBytesWritten: 250, diskRatio: 0.5, storeBytes: 9000, residentBytes: 1 << 20,
          memoryBudget: 2 << 20))
    }
    let summary = try #require(report.summary)
    #expect(summary.firstToken == 5 && summary.firstTokenAfterRestart == 10)
    #expect(summary.firstTokenOtherwise == 4 && summary.load == 2 && summary.open == 0.5)
    // The last two of eight over the first two.
    #expect(summary.growth == 7.5 / 1.5)
    #expect(summary.reread == 14 && summary.newTokensPerTurn == 10)
    #expect(summary.writes.newBytes == 8000 && summary.writes.newDiskBytes == 4000)
    #expect(summary.writes.amplification == 1.75 && summary.writes.diskAmplification == 3.5)
    #expect(report.markdown.contains("| both"))
    #expect(report.svg.contains("new engine") && report.svg.contains("same engine"))
  }

  @Test("A chat goes on in new engines, and reads only what is new there")
  func run() async throws {
    try await Self.withFolder { folder in
      var turns: [SessionTurn] = []
      try await SessionRun(
        turns: 5, restartEvery: 2, maxTokens: 6, path: Self.model,
        engine: EngineOptions(threads: 1, window: .sliding(tokens: 256), store: folder), seed: 2
      ).run { turns.append($0) }
      #expect(turns.map(\.turn) == Array(1...5))
      #expect(turns.map(\.isAfterRestart) == [false, false, true, false, true])
      for turn in turns {
        #expect((turn.loadSeconds > 0) == (turn.turn % 2 == 1))
        #expect(turn.firstTokenSeconds > 0 && turn.generated > 0)
        // The prompt but for what was there before; the last token that was said has no keys yet.
        #expect(turn.tokensRead <= turn.newTokens && turn.reread <= 2, "\(turn)")
        #expect(
          turn.newKeyValueBytes == turn.newTokens * turns[0].newKeyValueBytes / turns[0].newTokens)
        #expect(turn.segmentBytesWritten > 0 && (turn.catalogBytesWritten ?? 1) > 0)
      }
      #expect(turns.map(\.newTokens).reduce(0, +) == turns[4].promptTokens + turns[4].generated)
    }
  }

  @Test("A session of a given length answers from its blocks as if nothing had happened")
  func resuming() async throws {
    try await Self.withFolder { folder in
      var report = ResumeReport()
      // Within the window: what is recalled while a reply is made hangs on time.
      try await ResumeRun(
        lengths: [96], rounds: 2, check: 24, path: Self.model,
        engine: EngineOptions(threads: 1, window: .sliding(tokens: 256)), seed: 2
      ).run(makeFolder: { folder }) { report.add($0) }
      #expect(report.trials.map(\.isRestored) == [true, false, false, true])
      for trial in report.trials {
        #expect(trial.promptTokens > 96)
        #expect(trial.isRestored ? trial.isSame == true : trial.isSame == nil)
        #expect(trial.isRestored ? trial.tokensRead < 32 : trial.tokensRead == trial.promptTokens)
      }
      #expect(report.markdown.contains("2 of 2"))
    }
  }
}
