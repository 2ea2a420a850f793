package import Generation

/// Asks in one session what another one was told, with the engine closed in between.
///
/// Each item has a namespace of its own in one store. Its dialogue up to the question is read in a
/// first session; then the engine goes away, and a new one is asked in a second session that saw
/// nothing but the question.
package struct CrossSessionRun: Sendable {
  package enum Place: String, Sendable, CaseIterable {
    /// The second session, without memory.
    case none
    /// The second session, with the namespace's memory.
    case memory
    /// The same question in another namespace, which must know nothing.
    case stranger
    /// The whole dialogue in one session with full attention, where it fits.
    case full
    /// The second session, after a first asking had its recalls counted and the memory consolidated.
    case consolidated
    /// The same, with what was told let go: concepts alone.
    case concepts

    /// Those that an evaluation of memory as such compares.
    package static let plain: [Place] = [.none, .memory, .stranger, .full]
  }

  /// Chats that end with the question.
  package var questions: [Question]
  package var places: [Place]
  package var path: String
  /// With a store and a sliding window.
  package var engine: EngineOptions
  package var template: ChatTemplate?
  /// A part of every namespace's name, so that two runs may use one store.
  package var run: String

  package init(
    questions: [Question], places: [Place] = Place.plain,
    path: String, engine: EngineOptions, template: ChatTemplate? = nil, run: String
  ) {
    precondition(engine.store != nil, "memory that outlives an engine needs a store")
    self.questions = questions
    self.places = places
    self.path = path
    self.engine = engine
    // What is counted must not depend on how long a run takes.
    self.engine.consolidation.isAutomatic = false
    // One asking stands for the many of a longer life.
    self.engine.consolidation.recalls = 0.5
    self.template = template
    self.run = run
  }

  package func run(onTrial: (Trial) throws -> Void) async throws {
    for (index, question) in questions.enumerated() {
      let namespace = "evaluation-\(run)-\(index)"
      try Task.checkCancellation()
      if case .chat(let messages) = question.prompt(.whole),
        places.contains(.memory) || places.contains(.stranger)
      {
        try await tell(messages.dropLast(), namespace: namespace)
      }
      if case .chat(let messages) = question.prompt(.whole),
        places.contains(.consolidated) || places.contains(.concepts)
      {
        try await tell(messages.dropLast(), namespace: namespace + "-concepts")
        try await consolidate(question, namespace: namespace + "-concepts")
      }
      for place in places {
        try Task.checkCancellation()
        try onTrial(try await ask(question, place, namespace: namespace))
      }
    }
  }

  /// Reads `history` in the first session, and lets the engine go.
  private func tell(_ history: ArraySlice<ChatMessage>, namespace: String) async throws {
    try await Engine(path: path, options: engine).tell(
      Array(history), template: template,
      MemoryOptions(scope: .session, namespace: namespace, session: namespace + "-told"))
  }

  /// Asks once, so that what comes back is counted, forgets that, and consolidates.
  private func consolidate(_ question: Question, namespace: String) async throws {
    guard case .chat(let messages) = question.prompt(.whole) else { return }
    let engine = try Engine(path: path, options: engine)
    let session = namespace + "-first"
    try await engine.tell(
      messages.suffix(1), template: template,
      MemoryOptions(scope: .namespace, namespace: namespace, session: session))
    _ = try await engine.memory.forget(.session(session), in: namespace)
    _ = try await engine.memory.consolidate(namespace)
  }

  private func ask(_ question: Question, _ place: Place, namespace: String) async throws -> Trial {
    var options = engine
    if place == .full {
      options.window = .full
      options.store = nil
    }
    let engine = try Engine(path: path, options: options)
    var prompt = question.prompt(.whole)
    if place != .full, case .chat(let messages) = prompt { prompt = .chat(messages.suffix(1)) }
    let tokens = try engine.tokens(of: prompt, template: template)
    var trial = Trial(question, arm: place.rawValue, promptTokens: tokens.count)
    if place == .full, tokens.count + question.maxTokens > engine.contextLength { return trial }
    let memory: MemoryOptions
    switch place {
    case .none, .full: memory = MemoryOptions(scope: .none, namespace: namespace)
    case .memory:
      memory = MemoryOptions(
        scope: .namespace, namespace: namespace, session: namespace + "-asked")
    case .consolidated, .concepts:
      let namespace = namespace + "-concepts"
      if place == .concepts {
        try await engine.memory.letGo(session: namespace + "-told", of: namespace)
      }
      // Nobody's: the next place must not recall this one's answer.
      memory = MemoryOptions(
        scope: .namespace, namespace: namespace, session: "")
    case .stranger:
      memory = MemoryOptions(
        scope: .namespace, namespace: namespace + "-stranger", session: namespace + "-strange")
    }
    let answer = try await Answer.reading(
      try engine.stream(
        prompt, template: template, options: AnswerRun.generation(question, memory)))
    trial.judge(answer, of: question)
    return trial
  }
}

extension Engine {
  /// Reads a conversation in the session that `memory` names, and says nothing.
  package func tell(
    _ history: [ChatMessage], template: ChatTemplate? = nil, _ memory: MemoryOptions
  ) async throws {
    _ = try await Answer.reading(
      try stream(
        .chat(history), template: template,
        options: GenerationOptions(maxTokens: 0, sampling: .greedy, seed: 0, memory: memory)))
  }
}

/// Watches that a stranger's namespace answers exactly as a model without memory does.
///
/// That is more than not telling the answer, which a model can guess: any difference would mean that
/// something of another owner's took part.
package struct IsolationCheck: Sendable {
  private var plain: [String: String] = [:]
  private var strange: [String: String] = [:]

  package init() {}

  package mutating func add(_ trial: Trial) {
    guard let reply = trial.reply else { return }
    switch CrossSessionRun.Place(rawValue: trial.arm) {
    case .none?: plain[trial.question] = reply
    case .stranger?: strange[trial.question] = reply
    default: break
    }
  }

  /// Questions that were asked both ways, and those whose replies differ, sorted.
  package var compared: Int { strange.keys.count { plain[$0] != nil } }
  package var leaks: [String] {
    strange.filter { plain[$0.key] != nil && plain[$0.key] != $0.value }.keys.sorted()
  }
}
