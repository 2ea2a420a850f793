package import Generation

/// One way of drafting.
package struct DraftArm: Sendable, Equatable {
  package var name: String
  package var options: DraftOptions

  /// Without drafts; then as long as it pays and always: from the text alone, from memory, too, and
  /// with whoever else `task`'s engine lets guess.
  package static func all(for task: DraftTask, most: Int) -> [DraftArm] {
    func arm(_ name: String, _ mode: DraftOptions.Mode, _ sources: Set<DraftSource>) -> DraftArm {
      var options = DraftOptions(mode: mode, most: most)
      options.sources = sources
      return DraftArm(name: name, options: options)
    }
    var ways: [(name: String, sources: Set<DraftSource>)] = [("lookup", [.lookup])]
    if task.isRepeated { ways.append(("lookup and memory", [.lookup, .continuations])) }
    if task.engine.draftExit != nil { ways.append(("first layers", Set(DraftSource.exits))) }
    if task.engine.draftModel != nil {
      ways += [("draft model", [.model]), ("draft model and lookup", [.model, .lookup])]
    }
    return [arm("off", .off, [])]
      + ways.flatMap { name, sources in
        [arm(name, .automatic, sources), arm(name + ", always", .always, sources)]
      }
  }
}

/// One reply of one arm.
package struct DraftTrial: Sendable {
  package var task: String
  package var arm: String
  package var item: Int
  package var round: Int
  package var tokens: Int
  /// Time for the tokens after the first.
  package var seconds: Double
  package var drafts: DraftAccount
  /// Whether it said what the arm without drafts said.
  package var isSame: Bool
}

/// Writes the same texts with every arm, in turns.
package struct DraftRun: Sendable {
  package var tasks: [DraftTask]
  package var rounds: Int
  package var maxTokens: Int
  package var most: Int
  package var seed: UInt64

  package init(tasks: [DraftTask], rounds: Int, maxTokens: Int, most: Int, seed: UInt64) {
    self.tasks = tasks
    self.rounds = rounds
    self.maxTokens = maxTokens
    self.most = most
    self.seed = seed
  }

  package func run(
    on shelf: EngineShelf, onTrial: (DraftTrial) throws -> Void
  ) async throws {
    for task in tasks {
      let engine = try shelf.engine(task.engine)
      if task.isRepeated {
        for (index, prompt) in task.prompts.enumerated() {
          _ = try await reply(
            prompt, task, item: index, session: "told \(index)", DraftOptions(mode: .off), engine)
        }
      }
      for round in 0..<rounds {
        for (index, prompt) in task.prompts.enumerated() {
          var expected: [TokenID]?
          let arms = DraftArm.all(for: task, most: most)
          // Each arm begins as often as every other; the one without drafts tells what is to be said.
          for place in arms.indices {
            try Task.checkCancellation()
            let arm = arms[(place + (round + index) % arms.count) % arms.count]
            let (tokens, summary) = try await reply(
              prompt, task, item: index, session: nil, arm.options, engine)
            let said = expected ?? tokens
            expected = said
            try onTrial(
              DraftTrial(
                task: task.name, arm: arm.name, item: index, round: round, tokens: tokens.count,
                seconds: summary.decodeDuration / .seconds(1), drafts: summary.drafts,
                isSame: tokens == said))
          }
        }
      }
    }
  }

  private func reply(
    _ prompt: Prompt, _ task: DraftTask, item: Int, session: String?, _ drafts: DraftOptions,
    _ engine: Engine
  ) async throws -> ([TokenID], GenerationSummary) {
    // Who asks again leaves nothing, so that every arm finds the same memory.
    let options = GenerationOptions(
      maxTokens: maxTokens, sampling: task.sampling, ignoresEndTokens: !task.isRepeated,
      seed: seed + UInt64(item),
      memory: MemoryOptions(
        scope: task.isRepeated ? .namespace : .none, namespace: "evaluation",
        session: session ?? MemoryOwner.nobody),
      drafts: drafts, usesMemo: false)
    var tokens: [TokenID] = []
    for try await event in try engine.stream(prompt, options: options) {
      switch event {
      case .token(let token): tokens.append(token.id)
      case .finished(let summary): return (tokens, summary)
      }
    }
    throw CancellationError()
  }
}
