package import Generation

/// Asks in some namespaces what only others were told.
///
/// One engine serves all namespaces. Each of them has a world of its own beside it: an engine that is told
/// and asked what this namespace is, and nothing else, in the same order; strangers, who were told
/// nothing, are compared with a model without memory. A request whose tokens, or whose account of memory,
/// differ from those of its own world has been touched by another namespace.
///
/// Secrets are drawn anew, and everything forgotten, after each round.
package struct CanaryRun: Sendable {
  /// Who asks.
  package enum Asker: String, Sendable, CaseIterable {
    /// The namespace that was told: it should know, or the check would check nothing.
    case owner
    /// Another one, with secrets of its own.
    case neighbour
    /// One that was told nothing.
    case stranger
  }

  /// A request and what came of it.
  package struct Outcome: Sendable, Encodable {
    package var event = "request"
    package var asker: String
    package var namespace: String
    package var key: String
    package var reply: String
    /// What its own world replied.
    package var expected: String
    /// Whether tokens or the account of memory differ from those of its own world.
    package var differs: Bool
    /// Whether the reply tells the secret that was asked for.
    package var isTold: Bool
    /// Whether other sessions' blocks took part.
    package var recalls: Bool

    package init(
      asker: Asker, namespace: String, key: String, reply: String, expected: String, differs: Bool,
      isTold: Bool, recalls: Bool
    ) {
      self.asker = asker.rawValue
      self.namespace = namespace
      self.key = key
      self.reply = reply
      self.expected = expected
      self.differs = differs
      self.isTold = isTold
      self.recalls = recalls
    }

    /// Anything that should not be: another namespace's part in a reply, or its secret.
    package var isLeak: Bool { differs || (isTold && asker != Asker.owner.rawValue) }
  }

  /// The most requests of neighbours and strangers.
  package var requests: Int
  package var namespaces: Int
  /// Secrets of each namespace in a round.
  package var secrets: Int
  package var path: String
  /// With a sliding window.
  package var engine: EngineOptions
  package var template: ChatTemplate?
  package var maxTokens: Int
  package var seed: UInt64
  /// Asks neighbours' and strangers' questions in the owner's namespace: a leak on purpose, which shows
  /// that the check sees one.
  package var leaks: Bool

  package init(
    requests: Int, namespaces: Int = 4, secrets: Int = 4, path: String, engine: EngineOptions,
    template: ChatTemplate? = nil, maxTokens: Int = 24, seed: UInt64 = 1, leaks: Bool = false
  ) {
    precondition(namespaces > 1 && secrets > 0, "a canary needs an owner and somebody else")
    self.requests = requests
    self.namespaces = namespaces
    self.secrets = secrets
    self.path = path
    self.engine = engine
    // An engine consolidates when it has been calm, which is another time in each world.
    self.engine.consolidation.isAutomatic = false
    self.template = template
    self.maxTokens = maxTokens
    self.seed = seed
    self.leaks = leaks
  }

  package func run(onOutcome: (Outcome) throws -> Void) async throws {
    let shared = try Engine(path: path, options: engine)
    let plain = try Engine(path: path, options: engine)
    var worlds: [Engine] = []
    for _ in 0..<namespaces { worlds.append(try Engine(path: path, options: engine)) }
    var (left, round) = (requests, 0)
    while left > 0 {
      var random = SeededGenerator(seed: seed, for: round)
      let names = (0..<namespaces).map { "canary-\(round)-\($0)" }
      let canaries = Canary.drawn(secrets, namespaces: namespaces, using: &random)
      for (index, name) in names.enumerated() {
        for engine in [shared, worlds[index]] {
          try await engine.tell(
            canaries[index].flatMap(\.told), template: template,
            // Reaching as far as those that ask, so that memory grows alike in both worlds.
            MemoryOptions(scope: .namespace, namespace: name, session: "told"))
        }
      }
      var strangers: [String] = []
      for request in Self.requests(names, secrets).shuffled(using: &random) {
        if request.asker != .owner {
          guard left > 0 else { continue }
          left -= 1
        }
        try Task.checkCancellation()
        let canary = canaries[request.owner][request.secret]
        let asked: String
        let answer: Answer
        let expected: Answer
        switch request.asker {
        case .stranger:
          asked = "canary-\(round)-stranger-\(strangers.count)"
          strangers.append(asked)
          answer = try await ask(canary, in: leaks ? names[request.owner] : asked, of: shared)
          expected = try await ask(canary, in: nil, of: plain)
        case .owner, .neighbour:
          var place = request.owner
          if request.asker == .neighbour {
            place = (place + Int.random(in: 1..<namespaces, using: &random)) % namespaces
          }
          asked = names[place]
          answer = try await ask(
            canary, in: leaks ? names[request.owner] : asked, of: shared)
          expected = try await ask(canary, in: asked, of: worlds[place])
        }
        try onOutcome(
          Outcome(
            asker: request.asker, namespace: asked, key: canary.key, reply: answer.text,
            expected: expected.text, differs: !answer.isSame(as: expected),
            isTold: canary.isTold(in: answer.text),
            recalls: answer.summary.memory.recalledFromPast > 0))
      }
      for name in names + strangers { try await shared.forget(name) }
      for (index, name) in names.enumerated() { try await worlds[index].forget(name) }
      round += 1
    }
  }

  private struct Request {
    var asker: Asker
    var owner: Int
    var secret: Int
  }

  /// Every secret, asked for by each kind of asker once.
  private static func requests(_ names: [String], _ secrets: Int) -> [Request] {
    names.indices.flatMap { owner in
      (0..<secrets).flatMap { secret in
        Asker.allCases.map { Request(asker: $0, owner: owner, secret: secret) }
      }
    }
  }

  /// - Parameter namespace: nil asks without memory.
  private func ask(
    _ canary: Canary, in namespace: String?, of engine: Engine
  ) async throws -> Answer {
    try await Answer.reading(
      try engine.stream(
        .chat(Canary.preamble + [canary.question]), template: template,
        options: GenerationOptions(
          maxTokens: maxTokens, sampling: .greedy, seed: 0,
          memory: MemoryOptions(
            scope: namespace == nil ? .none : .namespace, namespace: namespace ?? "nobody"),
          usesMemo: false)))
  }
}

extension Engine {
  fileprivate func forget(_ namespace: String) async throws {
    _ = try await memory.forget(.everything, in: namespace)
  }
}

extension Answer {
  /// The same tokens, and the same part of memory in them.
  fileprivate func isSame(as other: Answer) -> Bool {
    let (mine, its) = (summary.memory, other.summary.memory)
    return tokens == other.tokens && mine.cached == its.cached && mine.recalled == its.recalled
      && mine.recalledFromPast == its.recalledFromPast
  }
}
