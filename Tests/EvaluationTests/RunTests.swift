import Evaluation
import Foundation
import Generation
import Synchronization
import Testing

@Suite("Evaluations on the embedded model")
struct RunTests {
  static let model = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "models/spark-mini.gguf").path

  private static func questions(_ count: Int) throws -> [Question] {
    let engine = try Engine(path: model)
    return try RecallTask(
      items: RecallTests.items(), distances: [], limit: count, filler: Filler(exchanges: []),
      maxTokens: 12, seed: 1
    ).questions(window: 512) { try engine.tokens(of: .chat($0)).count }
      .filter { $0.bucket.tokens == 256 }
  }

  @Test("Arms take turns at the same questions, and short ones are answered alike by all")
  func turns() async throws {
    let questions = try Self.questions(2)
    let arms = [ArmKind.full, .window].map { $0.arm(base: EngineOptions(), window: 800) }
    let run = AnswerRun(questions: questions, arms: arms, seed: 1)
    var trials: [Trial] = []
    try await run.run(on: EngineShelf(path: Self.model)) { trials.append($0) }
    #expect(trials.map(\.arm) == ["full", "window", "full", "window"])
    #expect(trials[0].question == trials[1].question)
    #expect(trials[0].question != trials[2].question)
    for trial in trials {
      #expect(trial.reply?.isEmpty == false)
      #expect((1...12).contains(trial.generatedTokens))
      #expect(trial.evictedTokens == 0)
    }
    // A window that holds the whole dialogue is full attention.
    #expect(trials[0].reply == trials[1].reply)
    #expect(trials[2].reply == trials[3].reply)
  }

  @Test("What does not fit full attention is told as not asked; a window reads it")
  func tooLong() async throws {
    let task = PasskeyTask(lengths: [2048], depths: [50], repetitions: 1, seed: 1)
    let engine = try Engine(path: Self.model)
    let questions = task.questions { engine.tokenizer.encode($0).count }
    let arms = [ArmKind.full, .window, .ceiling].map {
      $0.arm(base: EngineOptions(), window: 256)
    }
    var trials: [Trial] = []
    try await AnswerRun(questions: questions, arms: arms, seed: 1)
      .run(on: EngineShelf(path: Self.model)) { trials.append($0) }
    #expect(trials[0].reply == nil && trials[0].score == nil)
    #expect(trials[1].reply != nil && trials[1].evictedTokens > 1000)
    #expect((2000...2096).contains(trials[1].promptTokens))
    #expect(trials[2].promptTokens < 300)
  }

  @Test("In another namespace, nothing that was told is known")
  func crossSession() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-evaluation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var engine = ArmKind.cascade.arm(base: EngineOptions(), window: 128).engine
    engine.store = folder.path
    let questions = try Self.questions(2)
    var check = IsolationCheck()
    var trials: [Trial] = []
    try await CrossSessionRun(
      questions: questions, path: Self.model, engine: engine, run: "test"
    ).run {
      check.add($0)
      trials.append($0)
    }
    #expect(trials.map(\.arm) == (0..<2).flatMap { _ in ["none", "memory", "stranger", "full"] })
    #expect(check.compared == 2)
    #expect(check.leaks.isEmpty)
    // Only the question is read in the second session.
    #expect(trials[0].promptTokens < trials[3].promptTokens)
    #expect(trials[0].promptTokens == trials[1].promptTokens)
  }

  @Test("A text's costs are the same in a window that holds it, and are those of its logits")
  func perplexity() async throws {
    let engine = try Engine(path: Self.model)
    let tokens = engine.tokenizer.encode(
      "The little fox went out to see the world. Soon the fox was back.")
    let arms = [ArmKind.full, .window].map { $0.arm(base: EngineOptions(), window: 256) }
    let costs = Costs()
    try await PerplexityRun(tokens: tokens, arms: arms).run(on: EngineShelf(path: Self.model)) {
      costs.set($2, arm: $0, token: $1)
    }
    let all = costs.all
    #expect(all.count == 2 * (tokens.count - 1))
    for index in 1..<tokens.count {
      #expect(all[[0, index]] == all[[1, index]])
      #expect(all[[0, index]]! > 0)
    }
  }

  @Test("Each passage is read as if nothing had come before it")
  func passages() async throws {
    let engine = try Engine(path: Self.model)
    let passage = engine.tokenizer.encode("The little fox went out to see the world.")
    let arm = ArmKind.window.arm(base: EngineOptions(), window: 256)
    let costs = Costs()
    try await PerplexityRun(tokens: passage + passage, passage: passage.count, arms: [arm])
      .run(on: EngineShelf(path: Self.model)) { costs.set($2, arm: $0, token: $1) }
    let all = costs.all
    #expect(all.count == 2 * (passage.count - 1))
    for index in 1..<passage.count { #expect(all[[0, index]] == all[[0, passage.count + index]]) }
  }

  @Test("Without recall, memory neither helps nor harms")
  func harm() async throws {
    let messages = try RecallTests.items()[0].dialogue.messages
    let window = ArmKind.window.arm(base: EngineOptions(), window: 128)
    var same = window
    same.name = "same"
    let wider = ArmKind.window.arm(base: EngineOptions(), window: 800)
    var report = HarmReport(arms: ["same", "window"])
    try await HarmRun(
      history: Array(messages), passages: ["The sea was calm.", "A bird sang."],
      plain: window, arms: [same, wider]
    ).run(on: EngineShelf(path: Self.model)) { report.add($1, arm: $0) }
    let figures = try #require(report.figures("same"))
    #expect(figures.passages == 2 && figures.tokens >= 8)
    #expect(figures.meanDivergence.mean == 0 && figures.topChanges == 0)
    // A wider window does see something else.
    #expect(try #require(report.figures("window")).meanDivergence.mean > 0)
  }
}

/// Costs as they come from the engine's thread.
private final class Costs: Sendable {
  private let values = Mutex<[[Int]: Double]>([:])

  func set(_ cost: Double, arm: Int, token: Int) { values.withLock { $0[[arm, token]] = cost } }
  var all: [[Int]: Double] { values.withLock { $0 } }
}
