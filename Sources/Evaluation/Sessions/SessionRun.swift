internal import FoundationEssentials
package import Generation

/// A chat of many turns on one store, in which the engine goes away again and again and a new one goes
/// on from what is kept.
package struct SessionRun: Sendable {
  package var turns: Int
  /// Turns of one engine.
  package var restartEvery: Int
  /// Tokens of each question at least.
  package var questionTokens: Int
  /// Tokens of each reply at most.
  package var maxTokens: Int
  package var path: String
  /// With a store.
  package var engine: EngineOptions
  package var template: ChatTemplate?
  package var seed: UInt64

  package init(
    turns: Int, restartEvery: Int, questionTokens: Int = 0, maxTokens: Int, path: String,
    engine: EngineOptions,
    template: ChatTemplate? = nil, seed: UInt64
  ) {
    precondition(engine.store != nil, "a session that outlives an engine needs a store")
    self.turns = turns
    self.restartEvery = restartEvery
    self.questionTokens = questionTokens
    self.maxTokens = maxTokens
    self.path = path
    self.engine = engine
    self.template = template
    self.seed = seed
  }

  package func run(onTurn: (SessionTurn) throws -> Void) async throws {
    var script = SessionScript(seed: seed)
    var length = 0
    for first in stride(from: 1, through: turns, by: restartEvery) {
      let last = min(turns, first + restartEvery - 1)
      try await oneEngine(first...last, &script, &length, onTurn)
    }
  }

  /// - Parameter length: tokens of the conversation.
  private func oneEngine(
    _ turns: ClosedRange<Int>, _ script: inout SessionScript, _ length: inout Int,
    _ onTurn: (SessionTurn) throws -> Void
  ) async throws {
    let clock = ContinuousClock()
    let begun = clock.now
    let engine = try Engine(path: path, options: self.engine)
    let loaded = clock.now
    var before = await engine.storeFigures
    let opening = clock.now
    let chat = try await engine.conversation(named: "session", template: template)
    let opened = clock.now
    let options = GenerationOptions(maxTokens: maxTokens, sampling: .greedy, seed: 0)
    for turn in turns {
      try Task.checkCancellation()
      let isFirst = turn == turns.lowerBound
      let question = script.text { engine.tokenizer.encode($0).count >= questionTokens }
      let asked = clock.now
      var firstToken: Duration?
      var end: GenerationSummary?
      for try await event in try chat.reply(to: question, options: options) {
        firstToken = firstToken ?? (clock.now - asked)
        if case .finished(let summary) = event { end = summary }
      }
      guard let end, end.stopReason != .cancelled else { throw CancellationError() }
      let after = await engine.storeFigures
      let segments = after.segmentsWritten - before.segmentsWritten
      let all = after.processWritten.flatMap { now in before.processWritten.map { now - $0 } }
      let new = max(0, end.promptTokens + end.generatedTokens - length)
      let told = await engine.storeFigures.processWritten
      try onTurn(
        SessionTurn(
          turn: turn, isAfterRestart: isFirst && turn > 1,
          loadSeconds: isFirst ? (loaded - begun) / .seconds(1) : 0,
          openSeconds: isFirst ? (opened - opening) / .seconds(1) : 0,
          firstTokenSeconds: firstToken! / .seconds(1), promptTokens: end.promptTokens,
          tokensRead: end.promptTokens - end.memory.cached,
          // Also what there is no sentence for: a last block that was not full.
          reread: max(0, length - end.memory.cached), generated: end.generatedTokens,
          tokensPerSecond: end.decodeTokensPerSecond, newTokens: new,
          newKeyValueBytes: new * after.perToken, segmentBytesWritten: segments,
          catalogBytesWritten: all.map { $0 - segments },
          diskRatio: after.diskRatio, storeBytes: try storeBytes(),
          residentBytes: end.residentBytes, memoryBudget: after.memoryBudget))
      length += new
      before = after
      // What the reader of the figures writes is not the session's.
      if let told, let now = await engine.storeFigures.processWritten {
        before.processWritten? += now - told
      }
    }
  }

  private func storeBytes() throws -> Int {
    let folder = engine.store!
    return try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(0) { sum, path in
      let file = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)")
      guard file?[.type] as? FileAttributeType == .typeRegular else { return sum }
      return sum + ((file?[.size] as? Int) ?? 0)
    }
  }
}
