package import Generation

/// Asks every arm the same questions, one question after another.
///
/// The arms take turns at each question, so that a machine that grows warm or busy does so for all
/// of them; and questions come in a random order, so that a run that is cut short is a sample of all.
package struct AnswerRun: Sendable {
  package var questions: [Question]
  package var arms: [Arm]
  /// How chats are written; nil: as the model's file says.
  package var template: ChatTemplate?

  package init(
    questions: [Question], arms: [Arm], seed: UInt64, template: ChatTemplate? = nil
  ) {
    var random = SeededGenerator(seed: seed)
    self.questions = questions.shuffled(using: &random)
    self.arms = arms
    self.template = template
  }

  /// Greedy, up to the end of the turn.
  package static func generation(_ question: Question, _ memory: MemoryOptions) -> GenerationOptions
  {
    GenerationOptions(
      maxTokens: question.maxTokens, sampling: .greedy, seed: 0, memory: memory,
      usesMemo: false)
  }

  /// Calls `onTrial` with each result as it comes. Returns early, with a `CancellationError`, when
  /// the task is cancelled.
  package func run(
    on shelf: EngineShelf, onTrial: (Trial) throws -> Void
  ) async throws {
    for question in questions {
      for arm in arms {
        try Task.checkCancellation()
        try onTrial(try await trial(question, arm, shelf))
      }
    }
  }

  private func trial(_ question: Question, _ arm: Arm, _ shelf: EngineShelf) async throws -> Trial {
    let engine = try shelf.engine(arm.engine)
    let isChat: Bool
    let tokens: [TokenID]
    let prompt = question.prompt(arm.view)
    if case .chat = prompt {
      (isChat, tokens) = (true, try engine.tokens(of: prompt, template: template))
    } else {
      (isChat, tokens) = (false, try engine.tokens(of: prompt))
    }
    var trial = Trial(question, arm: arm.name, promptTokens: tokens.count)
    if arm.engine.window == .full, tokens.count + question.maxTokens > engine.contextLength {
      return trial
    }
    // A text's tokens are at hand; a chat's prompt also says what ends a turn.
    let answer = try await Answer.reading(
      try engine.stream(
        isChat ? prompt : .tokens(tokens), template: template,
        options: Self.generation(question, arm.memory)))
    trial.judge(answer, of: question)
    return trial
  }
}
