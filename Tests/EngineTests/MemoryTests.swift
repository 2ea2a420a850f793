import Foundation
import Generation
import Synchronization
import Testing

/// What is remembered, looked at and forgotten, in stores of their own.
@Suite struct MemoryTests {
  private static let text =
    (1...12).map {
      "Visitor number \($0) came to the lighthouse of Skerryvore and asked for the way to the harbour. "
    }.joined() + "The password of the storeroom is violet badger. "
    + (13...24).map { "Visitor number \($0) stayed for tea with the keeper and his grey cat. " }
    .joined()

  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-memory-\(UInt64.random(in: .min ... .max))").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static func engine(_ folder: String, block: Int = 64) throws -> Engine {
    try EmbeddedModel.engine(
      EngineOptions(
        window: .sliding(tokens: 128), blockLength: block, store: folder,
        consolidation: ConsolidationOptions(isAutomatic: false), prefillChunk: 128))
  }

  /// All that the store's files hold.
  private static func bytes(_ folder: String) throws -> Data {
    let files = try #require(FileManager.default.enumerator(atPath: folder))
    var bytes = Data()
    for case let name as String in files {
      bytes += (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))) ?? Data()
    }
    return bytes
  }

  private static func littleEndian(_ tokens: some Sequence<TokenID>) -> Data {
    tokens.reduce(into: Data()) { data, token in
      withUnsafeBytes(of: token.littleEndian) { data.append(contentsOf: $0) }
    }
  }

  /// How often other sessions took part in a reply, and which of their passages.
  private static func ask(
    _ question: String, _ engine: Engine, in namespace: String
  ) async throws -> MemoryAccount {
    let options = GenerationOptions(
      maxTokens: 8, sampling: .greedy, seed: 0,
      memory: MemoryOptions(
        scope: .namespace, namespace: namespace, session: "asked", explains: true))
    let reply = try await WholeReply(engine.stream(.chat([.user(question)]), options: options))
    return try #require(reply.summary).memory
  }

  /// All passages of a text from its first to its last.
  private static func walk(
    _ engine: Engine, from first: String, in namespace: String
  ) async throws -> [StoredPassage] {
    var found = try await engine.memory.passage(first, in: namespace)
    while let previous = found.previous {
      found = try await engine.memory.passage(previous, in: namespace)
    }
    var passages = [found.passage]
    while let next = found.next.first {
      found = try await engine.memory.passage(next, in: namespace)
      passages.append(found.passage)
    }
    return passages
  }

  @Test("a text that was read is counted, found by its words, and shown with its neighbours")
  func looking() async throws {
    try await Self.withFolder { folder in
      let result = try await Self.engine(folder).remember(Self.text, as: "book", in: "mine")
      let engine = try Self.engine(folder)
      let tokens = engine.tokenizer.encode(Self.text)
      #expect(result.tokens == tokens.count && result.remembered == tokens.count)
      let holdings = try await engine.memory.holdings()
      let mine = try #require(holdings.namespaces.first)
      #expect(holdings.namespaces.count == 1 && holdings.unseenBlocks == 0)
      #expect(mine.name == "mine" && mine.sessions == 1 && mine.tokens == tokens.count)
      #expect(mine.passages == (tokens.count + 63) / 64)
      #expect(mine.bytes.disk > 0 && mine.bytes.memory == 0)

      let found = await engine.memory.search("violet password", in: "mine")
      #expect(try #require(found.first).passage.text.contains("violet"))
      #expect(found.map(\.score) == found.map(\.score).sorted(by: >))
      #expect(await engine.memory.search("violet password", in: "mine", limit: 1).count == 1)
      #expect(await engine.memory.search("", in: "mine").isEmpty)

      let id = found[0].passage.id
      let shown = try await engine.memory.passage(String(id.prefix(10)).uppercased(), in: "mine")
      #expect(shown.passage == found[0].passage)
      let all = try await Self.walk(engine, from: id, in: "mine")
      #expect(all.flatMap(\.tokens) == tokens)
      #expect(all.map(\.block) == Array(0..<mine.passages))
      #expect(all.allSatisfy { $0.session == "book" && $0.place == .disk })
    }
  }

  @Test(
    "an id is found by its first six digits, and refused where it is none, unknown or ambiguous")
  func ids() throws {
    let ids = ["abcdef0011", "abcdef0022", "1234567890"]
    #expect(try PassageID.find("123456", among: ids, in: "n") == 2)
    #expect(try PassageID.find("ABCDEF002", among: ids, in: "n") == 1)
    for (digits, part) in [
      ("12345", "at least"), ("12345g", "at least"), ("654321", "no passage"),
      ("abcdef", "2 passages"),
    ] {
      let error = #expect(throws: EngineError.self) {
        try PassageID.find(digits, among: ids, in: "n")
      }
      #expect(error?.message.contains(part) == true, "\(digits)")
      #expect(error?.code == .memory)
    }
  }

  @Test("two namespaces do not see each other")
  func namespaces() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      _ = try await engine.remember(Self.text, as: "book", in: "mine")
      _ = try await engine.remember("Nothing of interest.", as: "book", in: "yours")
      let id = try #require(await engine.memory.search("violet", in: "mine").first).passage.id
      #expect(await !engine.knows("violet", in: "yours"))
      await #expect(throws: EngineError.self) {
        try await engine.memory.passage(id, in: "yours")
      }
      await #expect(throws: EngineError.self) {
        try await engine.memory.forget(.passage(id), in: "yours")
      }
      #expect(
        try await engine.memory.forget(.containing("violet"), in: "yours").passages == 0)
      #expect(try await engine.memory.forget(.everything, in: "yours").passages == 1)
      #expect(await engine.knows("violet", in: "mine"))
      let question = "What is the password of the storeroom, violet badger?"
      #expect(try await Self.ask(question, engine, in: "yours").recalledFromPast == 0)
      #expect(try await Self.ask(question, engine, in: "mine").recalledFromPast > 0)
    }
  }

  @Test(
    "what is forgotten is in no file and no answer any more, and the rest is",
    arguments: [
      MemorySelection.containing("violet badger"), .passage(""), .session("book"), .everything,
    ])
  func forgetting(selection: MemorySelection) async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      _ = try await engine.remember(Self.text, as: "book", in: "mine")
      _ = try await engine.remember("The miller of Dunvegan sings.", as: "song", in: "mine")
      _ = try await engine.remember("The smith of Portree hammers.", as: "song", in: "yours")
      let question = "What is the password of the storeroom, violet badger?"
      #expect(
        try await Self.ask(question, engine, in: "mine").passages.contains {
          engine.text(of: $0.tokens).contains("violet")
        })
      // The question is remembered as well, and it says the words.
      _ = try await engine.memory.forget(.session("asked"), in: "mine")

      let secret = try #require(await engine.memory.search("violet", in: "mine").first).passage
      let all = try await Self.walk(engine, from: secret.id, in: "mine")
      let traces = stride(from: 0, to: secret.tokens.count - 4, by: 4).map {
        Self.littleEndian(secret.tokens[$0..<$0 + 4])
      }
      let before = try Self.bytes(folder)
      #expect(traces.allSatisfy { before.range(of: $0) != nil })
      let selection =
        if case .passage = selection { MemorySelection.passage(String(secret.id.prefix(8))) } else {
          selection
        }
      let expected = try await engine.memory.count(selection, in: "mine")
      let forgotten = try await engine.memory.forget(selection, in: "mine")
      #expect(forgotten.passages == expected && forgotten.passages >= 1)
      #expect(forgotten.filesLeft == 0)

      let after = try Self.bytes(folder)
      let tokensLeft = all.filter { $0.id != secret.id }.map { Self.littleEndian($0.tokens) }
      for trace in traces where !tokensLeft.contains(where: { $0.range(of: trace) != nil }) {
        #expect(after.range(of: trace) == nil)
      }
      #expect(after.range(of: Data("violet".utf8)) == nil)
      #expect(after.range(of: Data(secret.text.utf8)) == nil)
      for engine in [engine, try Self.engine(folder)] {
        #expect(await !engine.knows("violet", in: "mine"))
        #expect(
          try await Self.ask(question, engine, in: "mine").passages.allSatisfy {
            !engine.text(of: $0.tokens).contains("violet")
          })
        _ = try await engine.memory.forget(.session("asked"), in: "mine")
        let rest = await engine.memory.search("Dunvegan Skerryvore", in: "mine").map(\.passage)
        #expect(rest.contains { $0.session == "song" } == (selection != .everything))
        let isWhole = selection == .everything || selection == .session("book")
        #expect(rest.contains { $0.session == "book" } == !isWhole)
        #expect(await engine.knows("Portree", in: "yours"))
        #expect(try await engine.memory.verify().isClean)
      }
      // And it may be told again.
      _ = try await engine.remember(Self.text, as: "book", in: "mine")
      #expect(await engine.knows("violet badger", in: "mine"))
    }
  }

  @Test("a text that runs on from one passage to the next takes both with it")
  func acrossPassages() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      _ = try await engine.remember(Self.text, as: "book")
      let id = try #require(await engine.memory.search("violet", in: "default").first).passage.id
      let all = try await Self.walk(engine, from: id, in: "default")
      let text = String(all[1].text.suffix(9)) + all[2].text.prefix(9)
      #expect(all.allSatisfy { !$0.text.contains(text) })
      #expect(
        try await engine.memory.forget(.containing(text), in: "default").passages == 2)
      for passage in all {
        let isGone = passage.id == all[1].id || passage.id == all[2].id
        let found = try? await engine.memory.passage(passage.id, in: "default")
        #expect((found == nil) == isGone)
      }
      let three = all[4].text + all[5].text + all[6].text
      #expect(
        try await engine.memory.count(
          .containing(String(three.dropFirst(all[4].text.count - 3).dropLast(2))), in: "default")
          == 3)
    }
  }

  @Test("what another block length has read is counted, not seen, and forgotten with its session")
  func unseen() async throws {
    try await Self.withFolder { folder in
      do { _ = try await Self.engine(folder).remember(Self.text, as: "book") }
      let engine = try Self.engine(folder, block: 32)
      let holdings = try await engine.memory.holdings()
      #expect(holdings.namespaces.isEmpty)
      #expect(holdings.unseenBlocks > 5 && holdings.unseenBytes.disk > 0)
      #expect(await !engine.knows("violet", in: "default"))
      let forgotten = try await engine.memory.forget(.session("book"), in: "default")
      #expect(forgotten.passages == holdings.unseenBlocks)
      #expect(try await engine.memory.holdings().unseenBlocks == 0)
    }
  }

  @Test("a text is read once; where it has changed, the old passages make room for the new")
  func changes() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      _ = try await engine.remember(Self.text, as: "book")
      let before = try await engine.memory.holdings()
      let again = try await engine.remember(Self.text, as: "book")
      #expect(again.summary == nil && again.known == again.tokens && again.replaced == 0)
      #expect(try await engine.memory.holdings() == before)

      let changed = Self.text.replacing("violet badger", with: "orange walrus")
      let result = try await engine.remember(changed, as: "book")
      #expect(result.known > 0 && result.known % 64 == 0 && result.known < result.tokens)
      #expect(result.replaced == (again.tokens + 63) / 64 - result.known / 64)
      let after = try #require(await engine.memory.holdings().namespaces.first)
      #expect(after.tokens == result.tokens && after.sessions == 1)
      #expect(await !engine.knows("violet", in: "default"))
      #expect(await engine.knows("walrus", in: "default"))

      let shorter = try await engine.remember(String(changed.prefix(600)), as: "book")
      #expect(try await engine.memory.holdings().namespaces.first?.tokens == shorter.tokens)
      await #expect(throws: EngineError.self) { try await engine.remember("", as: "nothing") }
    }
  }

  @Test("a cancelled reading keeps what was read, and the next one goes on behind it")
  func cancelling() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
      let isCancelled = Atomic(false)
      let task = Task {
        try await engine.remember(Self.text, as: "book") { count in
          // The engine's thread waits here, so the task is cancelled before the third chunk.
          if count == 256 {
            continuation.yield()
            while !isCancelled.load(ordering: .relaxed) { usleep(1000) }
          }
        }
      }
      for await _ in stream {
        task.cancel()
        isCancelled.store(true, ordering: .relaxed)
        break
      }
      let result = try await task.value
      #expect(result.isCancelled && result.remembered == 256)
      #expect(try await engine.memory.holdings().namespaces.first?.tokens == 256)
      let rest = try await Self.engine(folder).remember(Self.text, as: "book")
      #expect(rest.known == 256 && rest.replaced == 0 && !rest.isCancelled)
    }
  }

  @Test("the prompt's reading is told from what is known to its end, and none of the reply's")
  func prefill() async throws {
    try await Self.withFolder { folder in
      let engine = try Self.engine(folder)
      let counts = Counts()
      let options = GenerationOptions(
        maxTokens: 5, ignoresEndTokens: true, memory: MemoryOptions(session: "book"))
      for _ in 0..<2 {
        let stream = try engine.stream(.text(Self.text), options: options) { counts.add($0) }
        _ = try await WholeReply(stream)
      }
      let total = engine.tokenizer.encode(Self.text).count
      let first = Array(stride(from: 128, to: total, by: 128)) + [total]
      #expect(counts.all == first + [(total - 1) / 64 * 64, total])
    }
  }

  @Test("a flipped byte is found, and the passage that it is in is named")
  func damage() async throws {
    try await Self.withFolder { folder in
      do { _ = try await Self.engine(folder).remember(Self.text, as: "book") }
      let clean = try await Self.engine(folder).memory.verify()
      #expect(clean.isClean && clean.passages > 5 && clean.incomplete == 0)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/segments")
      let name = try #require(names.first { $0.hasSuffix(".seg") })
      let path = URL(filePath: "\(folder)/segments/\(name)")
      let bytes = try Data(contentsOf: path)
      var named: Set<String> = []
      for step in 1..<12 {
        var flipped = bytes
        flipped[bytes.count * step / 12] ^= 0x10
        try flipped.write(to: path)
        let engine = try Self.engine(folder)
        let check = try await engine.memory.verify()
        #expect(!check.isClean, "byte \(bytes.count * step / 12)")
        for damage in check.damaged {
          named.insert(damage.id)
          #expect(damage.passage?.session == "book")
          #expect(damage.reason.contains(damage.id))
        }
        #expect(check.damaged.count + check.remarks.count == 1)
      }
      #expect(named.count > 3)
      try bytes.write(to: path)
      #expect(try await Self.engine(folder).memory.verify() == clean)
    }
  }
}

extension Engine {
  fileprivate func text(of tokens: [TokenID]) -> String {
    String(decoding: tokenizer.decode(tokens), as: UTF8.self)
  }

  /// Whether a search for `text` finds a passage that has it as it is, and not only parts of its words.
  fileprivate func knows(_ text: String, in namespace: String) async -> Bool {
    await memory.search(text, in: namespace, limit: 100).contains { $0.passage.text.contains(text) }
  }
}

/// Numbers that a callback on another thread brings.
private final class Counts: Sendable {
  private let numbers = Mutex<[Int]>([])

  var all: [Int] { numbers.withLock { $0 } }

  func add(_ number: Int) { numbers.withLock { $0.append(number) } }
}
