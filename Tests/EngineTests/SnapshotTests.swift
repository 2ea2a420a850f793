import Cascade
import Foundation
import Generation
import Testing

/// Conversations that are exported and imported, on the embedded model.
@Suite struct SnapshotTests {
  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-snapshot-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static func engine(
    _ folder: String, window: Window = .sliding(tokens: 128), isExact: Bool = false
  ) throws -> Engine {
    try EmbeddedModel.engine(
      EngineOptions(
        window: window, store: folder, consolidation: ConsolidationOptions(isAutomatic: false),
        isExact: isExact))
  }

  private static let options = GenerationOptions(maxTokens: 40, sampling: .greedy, seed: 0)
  private static let last = "What did the owl and the fox do together on a sunny day?"

  private static func say(_ text: String, in chat: Conversation) async throws -> WholeReply {
    try await WholeReply(chat.reply(to: text, options: options))
  }

  private static func hold(_ engine: Engine) async throws {
    let chat = try await engine.conversation(named: "fox", scope: .session)
    for question in [
      "Once there was a fox who lived in the forest near a river. What did the fox eat?",
      "And where did the little fox sleep when the snow fell on the forest?",
      "Tell me about the friend of the fox, the old owl in the oak tree.",
    ] {
      _ = try await say(question, in: chat)
    }
  }

  /// Imports into a store of its own, and asks the last question there.
  private static func goOn(
    _ path: String, in folder: String, namespace: String? = nil, isTextOnly: Bool = false
  ) async throws -> (ImportedSession, WholeReply) {
    // Importing takes no engine like the one that replies.
    let imported = try await EmbeddedModel.engine(
      EngineOptions(contextLength: 64, store: folder)
    ).sessions.import(SessionSnapshot(path: path), in: namespace, isTextOnly: isTextOnly)
    let chat = try await engine(folder).conversation(
      named: "fox", namespace: namespace ?? "default", scope: .session)
    #expect(chat.isResumed)
    return (imported, try await say(last, in: chat))
  }

  @Test("A session goes on from its snapshot, and reads its new question only")
  func goingOn() async throws {
    try await Self.withFolder { folder in
      let home = folder + "/home"
      let engine = try Self.engine(home)
      try await Self.hold(engine)
      for form in SnapshotForm.allCases {
        let figures = try await engine.sessions.export(
          "fox", in: "default", as: form, to: .file("\(folder)/\(form)", replacing: false))
        #expect(figures.blocksLeftOut == 0 && (figures.blocks > 1) == (form != .text))
      }
      let chat = try await engine.conversation(named: "fox", scope: .session)
      let whole = try await Self.say(Self.last, in: chat)

      let (exact, reply) = try await Self.goOn("\(folder)/exact", in: folder + "/exact store")
      #expect(reply.tokens.map(\.id) == whole.tokens.map(\.id))
      let memory = try #require(reply.summary).memory
      #expect(exact.reasonForReading == nil && memory.reread == 0)
      #expect(memory.cached == exact.figures.blockTokens && memory.cached > 64)

      let (packed, close) = try await Self.goOn("\(folder)/packed", in: folder + "/packed store")
      #expect(try #require(close.summary).memory.cached == packed.figures.blockTokens)
      #expect(try #require(close.summary).memory.reread == 0)
      #expect(packed.figures.bytes < exact.figures.bytes * 2 / 3)

      let (text, anew) = try await Self.goOn("\(folder)/text", in: folder + "/text store")
      #expect(text.figures.blocks == 0 && !anew.tokens.isEmpty)
      #expect(try #require(anew.summary).memory.cached == 0)
    }
  }

  @Test("A session that saw itself alone goes on in another namespace as it would have at home")
  func otherNamespace() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder + "/home", window: .full, isExact: true)
      try await Self.hold(engine)
      let path = folder + "/fox.spark"
      _ = try await engine.sessions.export(
        "fox", in: "default", to: .file(path, replacing: false))
      let chat = try await engine.conversation(named: "fox", scope: .session)
      let whole = try await Self.say(Self.last, in: chat)
      let snapshot = try SessionSnapshot(path: path)
      #expect(snapshot.name == "fox" && snapshot.namespace == "default" && snapshot.turns == 6)
      #expect(snapshot.form == .exact && snapshot.blocks?.blockLength == 64)
      let there = try Self.engine(folder + "/there", window: .full, isExact: true)
      let imported = try await there.sessions.import(snapshot, as: "vixen", in: "work")
      #expect(imported.reasonForReading == nil && imported.session.name == "vixen")
      let other = try await there.conversation(named: "vixen", namespace: "work", scope: .session)
      let reply = try await Self.say(Self.last, in: other)
      #expect(reply.tokens.map(\.id) == whole.tokens.map(\.id))
      #expect(try #require(reply.summary).memory.cached == imported.figures.blockTokens)
      let found = await there.memory.search("the fox in the forest", in: "work")
      #expect(!found.isEmpty && found.allSatisfy { $0.passage.session == "vixen" })
      // Once only, and by name once.
      await #expect(throws: EngineError.self) { try await there.sessions.import(snapshot, as: "x") }
      await #expect(throws: EngineError.self) {
        try await there.sessions.import(SessionSnapshot(path: path), as: "vixen", in: "work")
      }
    }
  }

  @Test("A cancelled export leaves no file, and a cancelled import no session")
  func cancelling() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder + "/home")
      try await Self.hold(engine)
      let path = folder + "/fox.spark"
      let export = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await engine.sessions.export(
          "fox", in: "default", to: .file(path, replacing: false))
      }
      await #expect(throws: CancellationError.self) { try await export.value }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["home"])
      _ = try await engine.sessions.export(
        "fox", in: "default", to: .file(path, replacing: false))
      let snapshot = try SessionSnapshot(path: path)
      let arrival = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await engine.sessions.import(snapshot, as: "vixen")
      }
      await #expect(throws: CancellationError.self) { try await arrival.value }
      #expect(try await engine.sessions.list().map(\.name) == ["fox"])
    }
  }
}
