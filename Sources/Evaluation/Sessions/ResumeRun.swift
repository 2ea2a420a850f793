package import Generation

/// How soon a session answers in a new engine: from its blocks, and from its text alone.
package struct ResumeRun: Sendable {
  /// Tokens of the session before the question, about.
  package var lengths: [Int]
  /// Times each is tried, in turns.
  package var rounds: Int
  /// Tokens of the replies that are compared.
  package var check: Int
  package var path: String
  /// Without a store.
  package var engine: EngineOptions
  package var template: ChatTemplate?
  package var seed: UInt64

  package init(
    lengths: [Int], rounds: Int, check: Int, path: String, engine: EngineOptions,
    template: ChatTemplate? = nil, seed: UInt64
  ) {
    self.lengths = lengths
    self.rounds = rounds
    self.check = check
    self.path = path
    self.engine = engine
    self.template = template
    self.seed = seed
  }

  private static let question = "What happened then?"

  /// - Parameter makeFolder: gives each length a new folder, which is for the caller to remove.
  package func run(
    makeFolder: () throws -> String, onTrial: (ResumeTrial) throws -> Void
  ) async throws {
    for length in lengths {
      let folder = try makeFolder()
      var options = engine
      options.store = folder
      options.consolidation.isAutomatic = false
      let uninterrupted = try await prepare(length, options)
      for round in 0..<rounds {
        try Task.checkCancellation()
        for isRestored in round % 2 == 0 ? [true, false] : [false, true] {
          try onTrial(
            try await isRestored
              ? restore(length, round, options, uninterrupted.tokens)
              : cold(length, round, uninterrupted.messages))
        }
      }
    }
  }

  private struct Uninterrupted {
    /// What was said before the question.
    var messages: [ChatMessage]
    /// Of the reply to the question.
    var tokens: [TokenID]
  }

  /// Holds the session once without a break, and once for each round as far as the question: in
  /// namespaces of their own, which share no block.
  private func prepare(_ length: Int, _ options: EngineOptions) async throws -> Uninterrupted {
    let engine = try Engine(path: path, options: options)
    var script = SessionScript(seed: seed &+ UInt64(length))
    let text = try script.text { text in
      try engine.tokens(of: .chat([.user(text)]), template: template).count >= length - 8
    }
    for round in 0..<rounds { _ = try await begin(text, in: "round \(round)", engine) }
    let chat = try await begin(text, in: "uninterrupted", engine)
    let messages = try chat.messages()
    let reply = try await answer(
      chat.reply(to: Self.question, options: self.options(tokens: check)), since: .now)
    return Uninterrupted(messages: messages, tokens: reply.tokens)
  }

  private func begin(
    _ text: String, in namespace: String, _ engine: Engine
  ) async throws -> Conversation {
    let chat = try await engine.conversation(
      named: "resumed", namespace: namespace, template: template, scope: .session)
    _ = try await answer(chat.reply(to: text, options: options(tokens: 8)), since: .now)
    return chat
  }

  private func restore(
    _ length: Int, _ round: Int, _ options: EngineOptions, _ expected: [TokenID]
  ) async throws -> ResumeTrial {
    let clock = ContinuousClock()
    let engine = try Engine(path: path, options: options)
    let opening = clock.now
    let chat = try await engine.conversation(
      named: "resumed", namespace: "round \(round)", template: template, scope: .session)
    let opened = clock.now
    let reply = try await answer(
      chat.reply(to: Self.question, options: self.options(tokens: check)), since: opened)
    return ResumeTrial(
      length: length, round: round, isRestored: true, openSeconds: (opened - opening) / .seconds(1),
      reply, expected: expected)
  }

  private func cold(
    _ length: Int, _ round: Int, _ messages: [ChatMessage]
  ) async throws -> ResumeTrial {
    let engine = try Engine(path: path, options: self.engine)
    let asked = ContinuousClock.now
    let reply = try await answer(
      engine.stream(
        .chat(messages + [.user(Self.question)]), template: template, options: options(tokens: 1)),
      since: asked)
    return ResumeTrial(
      length: length, round: round, isRestored: false, openSeconds: 0, reply, expected: nil)
  }

  private func options(tokens: Int) -> GenerationOptions {
    GenerationOptions(
      maxTokens: tokens, sampling: .greedy, ignoresEndTokens: true, seed: 0, usesMemo: false)
  }

  fileprivate struct Answer {
    var tokens: [TokenID] = []
    var firstToken = Duration.zero
    var read = 0
    var prompt = 0
    var misses = 0
  }

  private func answer(
    _ stream: TokenStream, since asked: ContinuousClock.Instant
  ) async throws -> Answer {
    var answer = Answer()
    for try await event in stream {
      switch event {
      case .token(let token):
        if answer.tokens.isEmpty { answer.firstToken = ContinuousClock.now - asked }
        answer.tokens.append(token.id)
      case .finished(let summary):
        guard summary.stopReason != .cancelled else { throw CancellationError() }
        answer.prompt = summary.promptTokens
        answer.misses = summary.memory.misses
        answer.read = summary.promptTokens - summary.memory.cached
      }
    }
    return answer
  }
}

/// One answer of a new engine.
package struct ResumeTrial: Sendable, Equatable, Encodable {
  package var length: Int
  package var round: Int
  /// From its blocks, or from the text.
  package var isRestored: Bool
  package var openSeconds: Double
  package var firstTokenSeconds: Double
  package var promptTokens: Int
  package var tokensRead: Int
  /// Tokens of the reply up to the first that is not the uninterrupted one's; nil where that was not asked.
  package var same: Int?
  package var isSame: Bool?
  /// Times a block that was to be recalled was not in memory in time.
  package var misses: Int

  fileprivate init(
    length: Int, round: Int, isRestored: Bool, openSeconds: Double, _ answer: ResumeRun.Answer,
    expected: [TokenID]?
  ) {
    self.length = length
    self.round = round
    self.isRestored = isRestored
    self.openSeconds = openSeconds
    firstTokenSeconds = answer.firstToken / .seconds(1)
    promptTokens = answer.prompt
    tokensRead = answer.read
    same = expected.map { zip($0, answer.tokens).prefix { $0 == $1 }.count }
    isSame = expected.map { $0 == answer.tokens }
    misses = answer.misses
  }
}

/// What resuming from blocks is worth at each length.
package struct ResumeReport: Sendable {
  package private(set) var trials: [ResumeTrial] = []

  package init() {}

  package mutating func add(_ trial: ResumeTrial) { trials.append(trial) }

  package var markdown: String {
    var table = MarkdownTable(head: [
      "tokens", "from text, ms", "from blocks, ms", "ratio", "tokens read", "open, ms",
      "same replies", "same tokens at least",
    ])
    var lengths: [Int] = []
    for trial in trials where !lengths.contains(trial.length) { lengths.append(trial.length) }
    for length in lengths {
      let restored = trials.filter { $0.length == length && $0.isRestored }
      let cold = trials.filter { $0.length == length && !$0.isRestored }
      func milliseconds(_ trials: [ResumeTrial]) -> Double {
        trials.map(\.firstTokenSeconds).median * 1000
      }
      func tokens(_ trials: [ResumeTrial]) -> String {
        trials.map { Double($0.tokensRead) }.median.rounded(to: 0)
      }
      table.rows.append([
        "\((cold + restored).map { Double($0.promptTokens) }.median.rounded(to: 0))",
        milliseconds(cold).rounded(to: 1), milliseconds(restored).rounded(to: 1),
        (milliseconds(cold) / milliseconds(restored)).rounded(to: 1),
        "\(tokens(cold)), \(tokens(restored))",
        (restored.map(\.openSeconds).median * 1000).rounded(to: 1),
        "\(restored.count { $0.isSame == true }) of \(restored.count)",
        restored.compactMap(\.same).min().map { "\($0)" } ?? "",
      ])
    }
    return table.description
  }
}
