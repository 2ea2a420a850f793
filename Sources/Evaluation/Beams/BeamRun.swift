package import Generation
internal import Synchronization

/// One text of one arm.
package struct BeamTrial: Sendable {
  package var task: String
  package var arm: String
  package var item: Int
  package var tokens: Int
  /// Of all its tokens, as the model scores them when it reads them.
  package var logProbability: Double
  /// From the request to its end.
  package var seconds: Double
  /// What was searched through; nil where nothing was.
  package var beams: BeamReport?

  /// Of a token, the mean.
  package var perToken: Double { logProbability / Double(max(1, tokens)) }
}

/// Has every arm write the same texts, in turns.
package struct BeamRun: Sendable {
  package var tasks: [BeamTask]
  package var maxTokens: Int
  package var seed: UInt64
  package var engine: EngineOptions

  package init(tasks: [BeamTask], maxTokens: Int, seed: UInt64, engine: EngineOptions) {
    self.tasks = tasks
    self.maxTokens = maxTokens
    self.seed = seed
    self.engine = engine
    self.engine.maxSequences = max(
      engine.maxSequences, 1 + BeamArm.all.reduce(0) { max($0, $1.beams?.width ?? 1) })
  }

  package func run(on shelf: EngineShelf, onTrial: (BeamTrial) throws -> Void) async throws {
    let engine = try shelf.engine(engine)
    for task in tasks {
      for (item, prompt) in task.prompts.enumerated() {
        let arms = BeamArm.all
        for place in arms.indices {
          try Task.checkCancellation()
          // Each arm begins as often as every other.
          let arm = arms[(place + item) % arms.count]
          try onTrial(try await trial(arm, prompt, task, item: item, on: engine))
        }
      }
    }
  }

  private func trial(
    _ arm: BeamArm, _ prompt: Prompt, _ task: BeamTask, item: Int, on engine: Engine
  ) async throws -> BeamTrial {
    let options = GenerationOptions(
      maxTokens: maxTokens, sampling: arm.sampling, ignoresEndTokens: task.ignoresEndTokens,
      seed: seed + UInt64(item), memory: MemoryOptions(scope: .none),
      drafts: DraftOptions(mode: .off), beams: arm.beams, usesMemo: false)
    let begun = ContinuousClock.now
    var tokens: [TokenID] = []
    for try await event in try engine.stream(prompt, options: options) {
      switch event {
      case .token(let token): tokens.append(token.id)
      case .finished(let summary):
        guard summary.stopReason != .cancelled else { throw CancellationError() }
        let seconds = (ContinuousClock.now - begun) / .seconds(1)
        return BeamTrial(
          task: task.name, arm: arm.name, item: item, tokens: tokens.count,
          logProbability: try await score(tokens, behind: engine.tokens(of: prompt), on: engine),
          seconds: seconds, beams: summary.beams)
      }
    }
    throw CancellationError()
  }

  private func score(
    _ tokens: [TokenID], behind prompt: [TokenID], on engine: Engine
  ) async throws -> Double {
    let text = prompt + tokens
    let sum = Mutex(0.0)
    try await engine.logits(of: text, memory: MemoryOptions(scope: .none)) { index, logits in
      guard index + 1 >= prompt.count, index + 1 < text.count else { return }
      let chosen = TokenLogprobs(logits: logits, chosen: text[index + 1], top: 0).chosen
      sum.withLock { $0 += Double(chosen.logprob) }
    }
    return sum.withLock { $0 }
  }
}
