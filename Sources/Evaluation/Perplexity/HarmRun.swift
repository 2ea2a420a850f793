package import Generation
internal import Synchronization

/// Reads passages that have nothing to do with what was said before, with memory and without.
package struct HarmRun: Sendable {
  /// What fills the memory: a conversation.
  package var history: [ChatMessage]
  package var passages: [String]
  /// Without memory; what the others are compared with.
  package var plain: Arm
  package var arms: [Arm]
  package var template: ChatTemplate?

  package init(
    history: [ChatMessage], passages: [String], plain: Arm, arms: [Arm],
    template: ChatTemplate? = nil
  ) {
    self.history = history
    self.passages = passages
    self.plain = plain
    self.arms = arms
    self.template = template
  }

  /// Calls `onPassage` with an arm's name and a passage's tokens, the arms taking turns.
  package func run(
    on shelf: EngineShelf, onPassage: (_ arm: String, _ tokens: [HarmReport.Token]) throws -> Void
  ) async throws {
    for passage in passages {
      try Task.checkCancellation()
      let reference = try await distributions(passage, plain, shelf)
      for arm in arms {
        let other = try await distributions(passage, arm, shelf)
        try onPassage(arm.name, Self.compare(reference, other))
      }
    }
  }

  /// The passage as the user's turn after the history; of its tokens, what follows each but the last.
  private func distributions(
    _ passage: String, _ arm: Arm, _ shelf: EngineShelf
  ) async throws -> (tokens: [TokenID], distributions: [Distribution]) {
    let engine = try shelf.engine(arm.engine)
    let tokens = try engine.tokens(of: .chat(history + [.user(passage)]), template: template)
    let other = try engine.tokens(of: .chat(history + [.user("")]), template: template)
    // What stands before the passage is the same with and without it, and so is what stands after.
    let start = zip(tokens, other).prefix { $0 == $1 }.count
    let end = tokens.count - (other.count - start)
    guard start < end, start > 0 else { return ([], []) }
    let collected = Mutex<[Distribution]>([])
    try await engine.logits(of: Array(tokens[..<(end - 1)]), memory: arm.memory) { index, logits in
      guard index >= start - 1 else { return }
      let distribution = Distribution(logits: logits)
      collected.withLock { $0.append(distribution) }
    }
    return (Array(tokens[start..<end]), collected.withLock { $0 })
  }

  private static func compare(
    _ plain: (tokens: [TokenID], distributions: [Distribution]),
    _ other: (tokens: [TokenID], distributions: [Distribution])
  ) -> [HarmReport.Token] {
    plain.tokens.indices.map { index in
      let (a, b) = (plain.distributions[index], other.distributions[index])
      let token = Int(plain.tokens[index])
      return HarmReport.Token(
        divergence: a.divergence(of: b), changesTop: a.top != b.top,
        extraCost: Double(a.logprobs[token] - b.logprobs[token]))
    }
  }
}
