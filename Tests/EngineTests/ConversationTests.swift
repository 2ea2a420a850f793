import Cache
import Cascade
import Foundation
import Generation
import Testing

/// Conversations that are kept, on the embedded model.
@Suite struct ConversationTests {
  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-chat-\(UInt64.random(in: .min ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static func engine(_ folder: String?) throws -> Engine {
    try EmbeddedModel.engine(
      EngineOptions(
        window: .sliding(tokens: 128), store: folder,
        consolidation: ConsolidationOptions(isAutomatic: false)))
  }

  private static let options = GenerationOptions(maxTokens: 40, sampling: .greedy, seed: 0)

  private static let questions = [
    "Once there was a fox who lived in the forest near a river. What did the fox eat?",
    "And where did the little fox sleep when the snow fell on the forest?",
    "Tell me about the friend of the fox, the old owl in the oak tree.",
    "What did the owl and the fox do together on a sunny day?",
  ]

  private static func say(_ text: String, in chat: Conversation) async throws -> WholeReply {
    try await WholeReply(chat.reply(to: text, options: options))
  }

  /// What an operation must be refused with: one sentence of this code, with these words.
  private static func expectRefusal(
    _ code: EngineError.Code, _ words: [String], _ body: () async throws -> Void
  ) async {
    do {
      try await body()
      Issue.record("nothing was refused: \(words)")
    } catch let error as EngineError {
      #expect(error.code == code, "\(error)")
      for word in words { #expect(error.message.contains(word), "\(error)") }
      #expect(error.message.hasSuffix("."))
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test(
    "a conversation goes on in another engine as if nothing had happened, reading only what is new")
  func resuming() async throws {
    var whole: [[TokenID]] = []
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      let chat = try await engine.conversation(named: "fox")
      #expect(!chat.isResumed)
      for question in Self.questions {
        whole.append(try await Self.say(question, in: chat).tokens.map(\.id))
      }
    }
    try await Self.withFolder { folder in
      for (number, question) in Self.questions.enumerated() {
        let chat = try await Self.engine(folder).conversation(named: "fox")
        #expect(chat.isResumed == (number > 0))
        #expect(try chat.messages().count == 2 * number)
        let reply = try await Self.say(question, in: chat)
        #expect(reply.tokens.map(\.id) == whole[number], "question \(number)")
        let summary = try #require(reply.summary)
        #expect(summary.memory.recalledFromPast == 0 && summary.memory.misses == 0)
        if number == 3 {
          // All whole blocks up to the first place where a reply's text is cut into other tokens.
          #expect(summary.memory.cached >= 64)
        }
        #expect(try chat.messages().last == .assistant(reply.text + summary.trailingText))
      }
    }
  }

  /// Tokens that were read for a reply.
  private static func read(_ reply: WholeReply) throws -> Int {
    let summary = try #require(reply.summary)
    return summary.promptTokens - summary.memory.cached
  }

  @Test(
    "another process reads only what is new, also behind what other sessions took part in, and goes on with the same bits, draws and options",
    arguments: [MemoryScope.namespace, .session])
  func bits(scope: MemoryScope) async throws {
    try await Self.withFolder { folder in
      try await Self.withFolder { copy in
        let options = GenerationOptions(
          maxTokens: 24, sampling: SamplingOptions(temperature: 1.2, repetitionPenalty: 1.1),
          ignoresEndTokens: true)
        let engine = try Self.engine(folder)
        _ = try await engine.remember(
          "The fox of the forest near the river is called Marzipan. "
            + Self.questions.joined(separator: " "),
          as: "names", in: "default")
        let chat = try await engine.conversation(named: "fox", scope: scope)
        var recalled = 0
        for question in Self.questions.prefix(3) {
          let reply = try await WholeReply(chat.reply(to: question, options: options))
          recalled += try #require(reply.summary).memory.recalledFromPast
        }
        #expect((recalled > 0) == (scope == .namespace))
        try FileManager.default.copyItem(atPath: folder, toPath: copy)

        let whole = try await WholeReply(chat.reply(to: Self.questions[3]))
        let resumed = try await Self.engine(copy).conversation(named: "fox", scope: scope)
        #expect(resumed.options?.sampling == options.sampling)
        let reply = try await WholeReply(resumed.reply(to: Self.questions[3]))
        #expect(reply.tokens.map(\.id) == whole.tokens.map(\.id))
        #expect(reply.summary?.seed == whole.summary?.seed)
        #expect(reply.tokens.count == 24)
        // The last reply's last token, the template's, the question.
        let question = try engine.tokens(of: .text(Self.questions[3])).count
        let read = try Self.read(reply)
        #expect(read <= question + 16, "\(read) for \(question)")
        #expect(try Self.read(reply) == Self.read(whole))
        #expect(try #require(reply.summary).memory.reread == 0)
      }
    }
  }

  @Test("a model that was let go of comes back with the next question, and reads nothing anew")
  func unloading() async throws {
    var replies: [[[TokenID]]] = []
    for unloads in [false, true] {
      let engine = try Self.engine(nil)
      let chat = try await engine.conversation(named: "fox")
      var said: [[TokenID]] = []
      for question in Self.questions.prefix(3) {
        let reply = try await Self.say(question, in: chat)
        said.append(reply.tokens.map(\.id))
        #expect(try Self.read(reply) < 40)
        if unloads { #expect(await engine.unload()) }
      }
      replies.append(said)
      let stream = try chat.reply(to: Self.questions[3], options: Self.options)
      var iterator = stream.makeAsyncIterator()
      _ = try await iterator.next()
      #expect(await !engine.unload(), "a reply is in progress")
      while try await iterator.next() != nil {}
    }
    #expect(replies[0] == replies[1])
  }

  @Test("what is lost of a session's blocks is read again from its text, alone, and told once")
  func damage() async throws {
    try await Self.withFolder { folder in
      do {
        let chat = try await Self.engine(folder).conversation(named: "fox")
        for question in Self.questions {
          _ = try await WholeReply(
            chat.reply(
              to: question,
              options: GenerationOptions(
                maxTokens: 40, sampling: .greedy, ignoresEndTokens: true, seed: 0)))
        }
      }
      let catalog = try Catalog(directory: folder)
      let session = try #require(try catalog.session(named: "fox", in: "default")).id
      let block = try #require(try catalog.sequence(of: session)?.sequence.blocks[2])
      // The first place that names it is its own record's header; its frames follow.
      let name = withUnsafeBytes(of: block.low.littleEndian) { Data($0) }
      let segments = folder + "/segments"
      var damaged = 0
      for file in try FileManager.default.contentsOfDirectory(atPath: segments) {
        let path = URL(filePath: "\(segments)/\(file)")
        var bytes = try Data(contentsOf: path)
        guard let header = bytes.range(of: name) else { continue }
        bytes[header.upperBound + 20_000] ^= 0x10
        try bytes.write(to: path)
        damaged += 1
      }
      #expect(damaged > 0)
      for isFirst in [true, false] {
        let chat = try await Self.engine(folder).conversation(named: "fox")
        let reply = try await Self.say("And then?", in: chat)
        let memory = try #require(reply.summary).memory
        #expect((memory.reread == 64) == isFirst, "\(memory.reread) tokens")
        #expect((memory.reasonForRereading != nil) == isFirst)
        #expect(memory.cached >= 64)
        // An exchange that is taken back takes the block with it that was not full.
        #expect(try Self.read(reply) < 64 + (isFirst ? 24 : 0), "\(reply.summary!)")
        _ = try chat.undo()
      }
    }
  }

  @Test("another window, model or template reads a session again from its text, when it is told to")
  func rereading() async throws {
    try await Self.withFolder { folder in
      do {
        let chat = try await Self.engine(folder).conversation(named: "fox")
        for question in Self.questions.prefix(2) { _ = try await Self.say(question, in: chat) }
      }
      let wider = try EmbeddedModel.engine(
        EngineOptions(window: .sliding(tokens: 192), store: folder))
      do {
        let chat = try await wider.conversation(named: "fox")
        let reply = try await Self.say(Self.questions[2], in: chat)
        #expect(try #require(reply.summary).memory.reread > 64)
        #expect(try #require(reply.summary).memory.reasonForRereading?.contains("window") == true)
        let again = try await Self.say(Self.questions[3], in: chat)
        #expect(try #require(again.summary).memory.reread == 0)
        #expect(try Self.read(again) < 40)
      }
      do {
        let chat = try await wider.conversation(
          named: "fox", template: .named("zephyr"), rereading: true)
        #expect(try chat.messages().count == 8)
        let reply = try await Self.say("And the owl?", in: chat)
        #expect(try #require(reply.summary).memory.reread == 0)
      }
      await Self.expectRefusal(.session, ["zephyr", "chatml", "--reread"]) {
        _ = try await wider.conversation(named: "fox")
      }
    }
  }

  @Test(
    "undo takes the last exchange, another reply replaces the last, and the model is told who it is"
  )
  func changing() async throws {
    let chat = try await Self.engine(nil).conversation()
    #expect(chat.name.wholeMatch(of: /\d{4}-\d\d-\d\d-1/) != nil)
    #expect(try !chat.undo())
    await Self.expectRefusal(.session, [chat.name]) { _ = try chat.regenerate() }
    try chat.system("You are a kind teacher.")
    let first = try await Self.say(Self.questions[0], in: chat)
    let second = try await Self.say(Self.questions[1], in: chat)
    let before = try chat.messages()
    #expect(before.map(\.role) == [.system, .user, .assistant, .user, .assistant])
    let again = try await WholeReply(chat.regenerate(options: Self.options))
    #expect(again.text == second.text)
    #expect(try chat.messages() == before)
    #expect(try chat.undo())
    #expect(try chat.messages() == Array(before.prefix(3)))
    #expect(try await Self.say(Self.questions[1], in: chat).text == second.text)
    #expect(try chat.undo() && chat.undo() && !chat.undo())
    try chat.system(nil)
    #expect(try chat.messages().isEmpty)
    #expect(!first.text.isEmpty)
  }

  @Test("a reply that is cancelled or left is kept as far as it was read, and one not begun is not")
  func leaving() async throws {
    let chat = try await Self.engine(nil).conversation(named: "fox")
    do {
      let left = try await WholeReply(
        chat.reply(to: Self.questions[0], options: Self.options), limit: 5)
      #expect(try chat.messages().isEmpty || chat.messages().last == .assistant(left.text))
    }
    #expect(try chat.messages().count == 2)
    _ = try chat.reply(to: "never read")
    #expect(try chat.messages().count == 2)
    let text = try await Task {
      var text = ""
      for try await event in try chat.reply(to: Self.questions[1], options: Self.options) {
        switch event {
        case .token(let token):
          text += token.text
          if text.utf8.count > 8 { withUnsafeCurrentTask { $0?.cancel() } }
        case .finished(let summary):
          #expect(summary.stopReason == .cancelled)
          text += summary.trailingText
        }
      }
      return text
    }.value
    #expect(try chat.messages().count == 4 && chat.messages().last == .assistant(text))
    let nothing = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      for try await _ in try chat.reply(to: "nothing", options: Self.options) {}
    }
    try await nothing.value
    #expect(try chat.messages().count == 4)

    let stream = try chat.reply(to: "held", options: Self.options)
    await Self.expectRefusal(.busy, ["fox"]) { _ = try chat.reply(to: "beside") }
    withExtendedLifetime(stream) {}
  }

  @Test("a session has one writer, a fork is another session, and forgetting reaches what was said")
  func owning() async throws {
    try await Self.withFolder { folder in
      let (engine, other) = (try Self.engine(folder), try Self.engine(folder))
      let chat = try await engine.conversation(named: "fox")
      _ = try await Self.say(Self.questions[0], in: chat)
      _ = try await Self.say("The password is violet badger, dear fox.", in: chat)
      await Self.expectRefusal(.session, ["fox", "in use"]) {
        _ = try await other.conversation(named: "fox")
      }
      await Self.expectRefusal(.session, ["fox", "in use"]) {
        _ = try await other.sessions.delete("fox", in: "default")
      }
      let fork = try chat.fork(as: "vixen")
      #expect(try fork.messages() == chat.messages() && fork.name == "vixen")
      let reply = try await Self.say(Self.questions[2], in: fork)
      #expect(try #require(reply.summary).memory.cached >= 64)
      #expect(try fork.messages().count == 6 && chat.messages().count == 4)
      #expect(try await other.sessions.list().map(\.name) == ["vixen", "fox"])
      #expect(
        try await other.sessions.description(of: "vixen", in: "default").forkedFrom == "fox")
      await Self.expectRefusal(.session, ["vixen"]) { try chat.rename(to: "vixen") }
      await Self.expectRefusal(.session, ["vixen"]) { _ = try chat.fork(as: "vixen") }
      await Self.expectRefusal(.session, ["name"]) { try chat.rename(to: "a\nb") }
      try chat.rename(to: "reynard")
      #expect(chat.name == "reynard" && chat.memoryName == "fox")

      let forgotten = try await engine.memory.forget(.containing("violet badger"), in: "default")
      #expect(forgotten.turns == 4 && forgotten.passages > 0)
      #expect(try chat.messages().count == 2 && fork.messages().count == 4)

      try await other.sessions.pin("reynard", in: "default")
      await Self.expectRefusal(.session, ["pinned"]) {
        _ = try await other.sessions.delete("reynard", in: "default")
      }
      try await other.sessions.pin("reynard", false, in: "default")
    }
  }

  @Test("a deleted session leaves nothing in the store's files")
  func deleting() async throws {
    try await Self.withFolder { folder in
      let question = "What does Alasdair Munro of Skerryvore call his cat?"
      do {
        let chat = try await Self.engine(folder).conversation(named: "fox", namespace: "mine")
        _ = try await Self.say(question, in: chat)
      }
      let engine = try Self.engine(folder)
      func holds() throws -> Bool {
        let files = try #require(FileManager.default.enumerator(atPath: folder))
        for case let name as String in files {
          let bytes = (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) ?? Data()
          if bytes.range(of: Data("Alasdair Munro".utf8)) != nil { return true }
        }
        return false
      }
      #expect(try holds())
      let forgotten = try await engine.sessions.delete("fox", in: "mine")
      #expect(forgotten.turns == 2 && forgotten.passages > 0)
      // The engine before may not have let go of its files yet.
      var left = forgotten.filesLeft
      for _ in 0..<500 where left > 0 {
        try await Task.sleep(for: .milliseconds(20))
        left = try await engine.memory.forget(.everything, in: "mine").filesLeft
      }
      #expect(left == 0)
      #expect(try !holds())
      #expect(try await engine.sessions.list().isEmpty)
      #expect(try await engine.memory.holdings().namespaces.isEmpty)
      await Self.expectRefusal(.session, ["fox", "mine"]) {
        _ = try await engine.sessions.messages(of: "fox", in: "mine")
      }
    }
  }

  /// Whether any file of a folder holds these bytes.
  private static func holds(_ bytes: Data, in folder: String) throws -> Bool {
    let files = try #require(FileManager.default.enumerator(atPath: folder))
    for case let name as String in files {
      let held = (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) ?? Data()
      if held.range(of: bytes) != nil { return true }
    }
    return false
  }

  @Test("of what is forgotten no text, no tokens and no block's name are left in any file")
  func forgettingToTheByte() async throws {
    try await Self.withFolder { folder in
      let secret = "The password is violet badger, dear fox."
      var marks: [(String, Data)] = [("text", Data("violet badger".utf8))]
      do {
        let engine = try Self.engine(folder)
        let chat = try await engine.conversation(named: "fox")
        for question in [Self.questions[0], secret, Self.questions[1], Self.questions[2]] {
          _ = try await Self.say(question, in: chat)
        }
        let word = try engine.tokens(of: .text(" violet badger")).filter {
          $0 != engine.tokenizer.bos
        }
        #expect(word.count > 2)
        marks.append(
          (
            "tokens",
            word.reduce(into: Data()) { $0 += withUnsafeBytes(of: $1.littleEndian) { Data($0) } }
          ))
        for found in await engine.memory.search("violet badger", in: "default") {
          let digits = Array(found.passage.id.utf8)
          let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
          }
          guard bytes.count == 16, found.passage.session == "fox",
            found.passage.text.contains("violet")
          else { continue }
          // As the catalog writes it, and as the segments do.
          marks.append(("block", Data(bytes)))
          marks.append(("block", Data(bytes[..<8].reversed() + bytes[8...].reversed())))
        }
        #expect(marks.count > 3)
        for (what, bytes) in marks.prefix(3) {
          #expect(try Self.holds(bytes, in: folder), "\(what) before")
        }
        let forgotten = try await engine.memory.forget(.containing("violet badger"), in: "default")
        #expect(forgotten.turns == 2 && forgotten.passages > 0 && forgotten.filesLeft == 0)
        for (what, bytes) in marks {
          #expect(try !Self.holds(bytes, in: folder), "\(what) \(Array(bytes)) after")
        }
        // The session goes on without it.
        #expect(try chat.messages().count == 6)
        _ = try await Self.say(Self.questions[3], in: chat)
      }
      for (what, bytes) in marks {
        #expect(try !Self.holds(bytes, in: folder), "\(what) at the end")
      }
    }
  }

  @Test("another model and another template are refused, both by name")
  func mismatch() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      let name = engine.model.name
      do {
        let chat = try await engine.conversation(named: "fox")
        _ = try await Self.say(Self.questions[0], in: chat)
      }
      await Self.expectRefusal(.session, ["fox", "zephyr"]) {
        _ = try await engine.conversation(named: "fox", template: .named("zephyr"))
      }
      // As it would be if another model had begun it.
      let catalog = try Catalog(directory: folder)
      let new = NewSession(
        namespace: "default", name: "owl", model: .init(high: 1, low: 2), modelName: "another-7b",
        template: "chatml", created: 1)
      #expect(try catalog.begin(new) != nil)
      await Self.expectRefusal(.session, ["owl", "another-7b", name]) {
        _ = try await engine.conversation(named: "owl")
      }
      #expect(try await engine.sessions.list().count == 2)
    }
  }

  @Test("a session in which nothing was said is taken away on request, others are not")
  func discarding() async throws {
    let engine = try Self.engine(nil)
    let chat = try await engine.conversation(named: "fox")
    try chat.discardIfEmpty()
    #expect(try await engine.sessions.list().isEmpty)
    await Self.expectRefusal(.session, ["fox", "deleted"]) {
      _ = try await Self.say(Self.questions[0], in: chat)
    }
    let second = try await engine.conversation(named: "fox")
    _ = try await Self.say(Self.questions[0], in: second)
    try second.discardIfEmpty()
    #expect(try await engine.sessions.list().count == 1)
  }
}
