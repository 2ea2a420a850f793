import Foundation
import Generation
import Testing

/// Semantic memory on the embedded model, in stores of their own.
@Suite struct ConceptTests {
  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-concepts-\(UInt64.random(in: .min ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static func engine(
    _ folder: String?,
    _ consolidation: ConsolidationOptions = ConsolidationOptions(isAutomatic: false)
  ) throws -> Engine {
    try EmbeddedModel.engine(
      EngineOptions(
        window: .sliding(tokens: 256), store: folder, consolidation: consolidation))
  }

  /// Says something in a session of its own, and reads the answer.
  @discardableResult
  private static func say(
    _ text: String, _ engine: Engine, in namespace: String, as session: String,
    tokens: Int = 24
  ) async throws -> (text: String, memory: MemoryAccount) {
    let options = GenerationOptions(
      maxTokens: tokens, sampling: .greedy, seed: 0,
      memory: MemoryOptions(
        scope: .namespace, namespace: namespace, session: session, explains: true))
    let reply = try await WholeReply(engine.stream(.chat([.user(text)]), options: options))
    return (reply.text, try #require(reply.summary).memory)
  }

  private static let facts = [
    "We have a chinchilla and his name is Chutney.",
    "By the way, we have a chinchilla and his name is Chutney.",
  ]
  private static let question = "What did I say my chinchilla's name was?"

  private static func tell(_ engine: Engine, in namespace: String) async throws {
    for (number, fact) in facts.enumerated() {
      try await say(fact, engine, in: namespace, as: "told-\(number)", tokens: 0)
    }
  }

  /// Whether any file below `folder` has these tokens one after another.
  private static func holds(_ tokens: ArraySlice<TokenID>, _ folder: String) throws -> Bool {
    let trace = tokens.reduce(into: Data()) { data, token in
      withUnsafeBytes(of: token.littleEndian) { data.append(contentsOf: $0) }
    }
    let files = try #require(FileManager.default.enumerator(atPath: folder))
    for case let name as String in files {
      let bytes = (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) ?? Data()
      if bytes.range(of: trace) != nil { return true }
    }
    return false
  }

  @Test("What two sessions said is answered from a concept when both have been let go")
  func life() async throws {
    try await Self.withFolder { folder in
      do {
        let engine = try Self.engine(folder)
        try await Self.tell(engine, in: "mine")
        let report = try await engine.memory.consolidate("mine")
        #expect(report.concepts == 1 && report.made == 1 && report.dropped == 0)
        #expect(report.statements >= 2 && !report.isUnchanged && !report.isCancelled)
        let again = try await engine.memory.consolidate("mine")
        #expect(again.isUnchanged && again.made == 0 && again.concepts == 1)
      }
      let engine = try Self.engine(folder)
      let mine = try #require(try await engine.memory.holdings().namespaces.first)
      #expect(mine.concepts == 1 && mine.conceptBytes.disk > 0 && mine.sessions == 2)
      let concept = try #require(
        await engine.memory.search("chinchilla Chutney", in: "mine").first(where: {
          $0.passage.isConcept
        })
      ).passage
      #expect(concept.links.count == 2 && concept.text.contains("chinchilla"))
      #expect(try await engine.memory.passage(concept.id, in: "mine").passage == concept)
      let check = try await engine.memory.verify()
      #expect(check.isClean && check.concepts == 1)

      // The concept comes back, and the passages behind it leave their rooms.
      let both = try await Self.say(Self.question, engine, in: "mine", as: "", tokens: 12)
      #expect(both.memory.passages.contains { $0.isConcept })

      for number in Self.facts.indices {
        try await engine.memory.letGo(session: "told-\(number)", of: "mine")
      }
      let left = try await Self.say(Self.question, engine, in: "mine", as: "asked")
      #expect(left.memory.passages.filter(\.isPast).allSatisfy { $0.isConcept })
      #expect(left.memory.recalledFromPast > 0)
      #expect(left.text.contains("Chutney"), "\(left.text)")
      // It outlives another consolidation, too.
      try await engine.memory.letGo(session: "asked", of: "mine")
      let report = try await engine.memory.consolidate("mine")
      #expect(report.concepts == 1 && report.made == 0 && report.dropped == 0)
      let other = try await Self.say(Self.question, engine, in: "yours", as: "asked")
      #expect(other.memory.recalledFromPast == 0)
    }
  }

  @Test("A gist's keys and values are the same bits whatever the engine's window")
  func bits() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      try await Self.tell(engine, in: "mine")
      _ = try await engine.memory.consolidate("mine")
      let id = try #require(
        await engine.memory.search("chinchilla", in: "mine").first { $0.passage.isConcept }
      ).passage.id
      try await Self.withFolder { other in
        let full = try EmbeddedModel.engine(
          EngineOptions(
            contextLength: 64, store: other,
            consolidation: ConsolidationOptions(isAutomatic: false), prefillChunk: 1))
        for (number, fact) in Self.facts.enumerated() {
          let options = GenerationOptions(
            maxTokens: 0,
            memory: MemoryOptions(
              scope: .namespace, namespace: "mine", session: "told-\(number)"))
          _ = try await WholeReply(full.stream(.chat([.user(fact)]), options: options))
        }
        #expect(try await full.memory.consolidate("mine").made == 1)
        #expect(
          await full.memory.search("chinchilla", in: "mine").contains { $0.passage.id == id })
      }
    }
  }

  @Test("Namespaces do not share concepts")
  func namespaces() async throws {
    let engine = try Self.engine(nil)
    try await Self.say(Self.facts[0], engine, in: "mine", as: "told", tokens: 0)
    try await Self.say(Self.facts[1], engine, in: "yours", as: "told", tokens: 0)
    for namespace in ["mine", "yours", "nobody's"] {
      #expect(try await engine.memory.consolidate(namespace).concepts == 0)
    }
    try await Self.tell(engine, in: "mine")
    #expect(try await engine.memory.consolidate("mine").concepts == 1)
    #expect(try await engine.memory.consolidate("yours").concepts == 0)
    #expect(
      await !engine.memory.search("chinchilla", in: "yours").contains { $0.passage.isConcept })
  }

  @Test("What replies keep recalling becomes a concept, what fits no budget does not")
  func recalled() async throws {
    let engine = try Self.engine(nil)
    try await Self.say(Self.facts[0], engine, in: "mine", as: "told", tokens: 0)
    #expect(try await engine.memory.consolidate("mine").concepts == 0)
    for number in 0..<3 {
      let asked = try await Self.say(
        Self.question, engine, in: "mine", as: "asked-\(number)", tokens: 1)
      #expect(asked.memory.recalledFromPast > 0)
      _ = try await engine.memory.forget(.session("asked-\(number)"), in: "mine")
    }
    #expect(try await engine.memory.consolidate("mine").concepts == 1)
    let poor = try Self.engine(
      nil, ConsolidationOptions(isAutomatic: false, budgetBytes: 1000))
    try await Self.tell(poor, in: "mine")
    #expect(try await poor.memory.consolidate("mine").concepts == 0)
  }

  @Test(
    "Forgetting what a concept was made of forgets the concept, to the last byte",
    arguments: [
      MemorySelection.session("told-1"), .containing("Chutney"), .everything, .passage(""),
    ])
  func forgetting(selection: MemorySelection) async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      try await Self.tell(engine, in: "mine")
      _ = try await engine.memory.consolidate("mine")
      let found = await engine.memory.search("chinchilla", in: "mine")
      let concept = try #require(found.first { $0.passage.isConcept }).passage
      let trace = concept.tokens[8..<14]
      #expect(try Self.holds(trace, folder))
      let selection =
        selection == .passage("") ? MemorySelection.passage(concept.links[0]) : selection
      let count = try await engine.memory.count(selection, in: "mine")
      let forgotten = try await engine.memory.forget(selection, in: "mine")
      #expect(forgotten.concepts == 1 && forgotten.filesLeft == 0)
      #expect(count == forgotten.passages + forgotten.concepts)
      #expect(
        await !engine.memory.search("chinchilla", in: "mine").contains { $0.passage.isConcept })
      #expect(try await engine.memory.holdings().namespaces.allSatisfy { $0.concepts == 0 })
      // The rest still says it, and says it once.
      #expect(try await engine.memory.consolidate("mine").concepts == 0)
      _ = try await engine.memory.forget(.everything, in: "mine")
      #expect(try !Self.holds(trace, folder))
    }
  }

  @Test("Forgetting a session whose passages are gone takes its concepts all the same")
  func forgettingWhatIsGone() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      try await Self.tell(engine, in: "mine")
      _ = try await engine.memory.consolidate("mine")
      for number in Self.facts.indices {
        try await engine.memory.letGo(session: "told-\(number)", of: "mine")
      }
      let concept = try #require(
        await engine.memory.search("chinchilla", in: "mine").first
      ).passage
      #expect(concept.isConcept)
      #expect(try await engine.memory.count(.session("told-0"), in: "mine") == 1)
      #expect(try await engine.memory.forget(.session("told-0"), in: "mine").concepts == 1)
      #expect(try !Self.holds(concept.tokens[8..<14], folder))
      #expect(await engine.memory.search("chinchilla", in: "mine").isEmpty)
    }
  }

  @Test("A cancelled consolidation goes on the next time; without a catalog it begins anew")
  func goingOn() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      try await Self.tell(engine, in: "mine")
      let task = Task {
        while !Task.isCancelled { await Task.yield() }
        return try await engine.memory.consolidate("mine")
      }
      task.cancel()
      let report = try await task.value
      #expect(report.isCancelled && report.made == 0)
      #expect(try await engine.memory.consolidate("mine").made == 1)
      _ = consume engine
    }
    try await Self.withFolder { folder in
      do {
        let engine = try Self.engine(folder)
        try await Self.tell(engine, in: "mine")
        _ = try await engine.memory.consolidate("mine")
      }
      for end in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: folder + "/catalog.sqlite" + end)
      }
      let engine = try Self.engine(folder)
      let report = try await engine.memory.consolidate("mine")
      #expect(report.concepts == 1 && report.made == 0)
    }
  }

  @Test("A damaged catalog is told of, and replies go on without it")
  func damage() async throws {
    try await Self.withFolder { folder in
      do {
        let engine = try Self.engine(folder)
        try await Self.tell(engine, in: "mine")
        _ = try await engine.memory.consolidate("mine")
      }
      let path = folder + "/catalog.sqlite"
      for end in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) }
      try Data("This was a catalog before the disk had its accident.".utf8)
        .write(to: URL(filePath: path))
      let engine = try Self.engine(folder)
      let reply = try await Self.say(Self.question, engine, in: "mine", as: "asked", tokens: 4)
      #expect(reply.memory.recalledFromPast > 0)
      for attempt in 0..<2 {
        let error = await #expect(throws: EngineError.self, "\(attempt)") {
          if attempt == 0 {
            _ = try await engine.memory.consolidate("mine")
          } else {
            _ = try await engine.memory.forget(.everything, in: "mine")
          }
        }
        #expect(error?.code == .memory && error?.message.hasPrefix("\(path) is damaged") == true)
      }
      let check = try await engine.memory.verify()
      #expect(check.remarks.count == 1 && check.remarks[0].contains("is damaged"))
    }
  }

  @Test("In calm after replies, what recurs becomes a concept by itself")
  func idle() async throws {
    let engine = try Self.engine(nil, ConsolidationOptions())
    try await Self.tell(engine, in: "mine")
    for _ in 0..<100 {
      try await Task.sleep(for: .milliseconds(200))
      if try await engine.memory.holdings().namespaces.first?.concepts == 1 { return }
    }
    Issue.record("after 20 seconds there is no concept")
  }
}
