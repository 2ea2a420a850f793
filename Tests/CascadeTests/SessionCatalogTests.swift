import Cache
import Cascade
import Foundation
import Model
import Testing

@Suite("Sessions in the catalog")
struct SessionCatalogTests {
  private static let model = BlockIdentity(high: 3, low: 4)

  private static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-sessions-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private static func new(
    _ name: String, in namespace: String = "mine", at time: Int64 = 10
  ) -> NewSession {
    NewSession(
      namespace: namespace, name: name, model: model, modelName: "a model", template: "chatml",
      created: time)
  }

  private static func said(_ catalog: Catalog, _ session: Int64) throws -> [String] {
    try catalog.turns(of: session).map { "\($0.number) \($0.role): \($0.text)" }
  }

  @Test("Turns are there when the catalog is opened again, byte for byte")
  func reopening() throws {
    try Self.withFolder { folder in
      let texts = ["e\u{301} and é", "a zero \u{0} and what follows", "", "line\nline"]
      let first = try #require(try Catalog(directory: folder).begin(Self.new("one")))
      #expect(first.memory == "one" && first.turns == 0 && !first.isPinned && first.used == 10)
      for text in texts {
        let catalog = try Catalog(directory: folder)
        #expect(try catalog.append(question: text, reply: text + "!", to: first.id, at: 20))
      }
      let catalog = try Catalog(directory: folder)
      let turns = try catalog.turns(of: first.id)
      #expect(turns.map(\.number) == Array(1...8))
      for (index, text) in texts.enumerated() {
        #expect(
          turns[2 * index].role == "user" && turns[2 * index].text.utf8.elementsEqual(text.utf8))
        #expect(turns[2 * index + 1].role == "assistant")
        #expect(turns[2 * index + 1].text.utf8.elementsEqual((text + "!").utf8))
      }
      let session = try #require(try catalog.session(named: "one", in: "mine"))
      #expect(session.id == first.id && session.turns == 8 && session.used == 20)
      #expect(try catalog.session(named: "one", in: "yours") == nil)
    }
  }

  @Test("A name is taken once in a namespace, and lists begin with what was used last")
  func names() throws {
    let catalog = try Catalog(directory: nil)
    let first = try #require(try catalog.begin(Self.new("one")))
    #expect(try catalog.begin(Self.new("one")) == nil)
    let other = try #require(try catalog.begin(Self.new("one", in: "yours", at: 11)))
    let second = try #require(try catalog.begin(Self.new("two", at: 12)))
    #expect(try catalog.rename(second.id, to: "one") == false)
    #expect(try catalog.rename(second.id, to: "two"))
    #expect(try catalog.rename(first.id, to: "old"))
    // What memory knows by a name stays its own when the name goes to another session.
    let third = try #require(try catalog.begin(Self.new("one", at: 13)))
    #expect(third.memory != "one" && third.name == "one")
    #expect(try catalog.session(first.id)?.memory == "one")
    #expect(try catalog.append(question: "a", reply: "b", to: first.id, at: 50))
    #expect(try catalog.sessions(in: "mine").map(\.name) == ["old", "one", "two"])
    #expect(try catalog.sessions().map(\.id) == [first.id, third.id, second.id, other.id])
    try catalog.pin(first.id, true)
    #expect(try catalog.session(first.id)?.isPinned == true)
  }

  @Test(
    "Undoing takes whole exchanges, another reply takes the place of one, instructions stay first")
  func changing() throws {
    let catalog = try Catalog(directory: nil)
    let session = try #require(try catalog.begin(Self.new("one"))).id
    #expect(try catalog.removeLastExchange(of: session) == false)
    #expect(try catalog.setInstructions("be kind", of: session, at: 1))
    #expect(try catalog.removeLastExchange(of: session) == false)
    for number in 1...3 {
      #expect(try catalog.append(question: "q\(number)", reply: "r\(number)", to: session, at: 2))
    }
    #expect(try catalog.setInstructions("be brief", of: session, at: 3))
    #expect(try catalog.removeLastExchange(of: session))
    #expect(try catalog.append(question: "q2", reply: "again", replacing: 3, to: session, at: 4))
    #expect(
      try Self.said(catalog, session) == [
        "0 system: be brief", "1 user: q1", "2 assistant: r1", "3 user: q2", "4 assistant: again",
      ])
    #expect(try catalog.setInstructions(nil, of: session, at: 5))
    #expect(try catalog.session(session)?.turns == 4)
    #expect(try catalog.append(question: "", reply: "", to: session + 1, at: 2) == false)
    #expect(try catalog.setInstructions("", of: session + 1, at: 2) == false)
  }

  /// A sequence of `count` tokens in blocks of four.
  private static func sequence(_ count: Int, root: UInt64 = 1, first: TokenID = 0) -> KeptSequence {
    KeptSequence(
      root: BlockIdentity(high: root, low: 0),
      tokens: (0..<count).map { first + TokenID($0) },
      blocks: (0..<count / 4).map { BlockIdentity(high: root, low: UInt64($0) + 1) },
      tail: count % 4 == 0 ? nil : BlockIdentity(high: root, low: 1000 + UInt64(count)))
  }

  @Test("What turns have become is put together from what each has brought, up to any of them")
  func sequences() throws {
    let catalog = try Catalog(directory: nil)
    let session = try #require(try catalog.begin(Self.new("one"))).id
    func say(_ sequence: KeptSequence?, replacing: Int? = nil) throws {
      #expect(
        try catalog.append(
          question: "q", reply: "r", replacing: replacing, sequence: sequence, to: session, at: 2))
    }
    func known(_ last: Int = .max) throws -> KeptSequence? {
      try catalog.sequence(of: session, through: last)?.sequence
    }
    #expect(try known() == nil)
    try say(Self.sequence(10))
    try say(Self.sequence(12))
    try say(Self.sequence(13))
    #expect(try known() == Self.sequence(13))
    #expect(try known(4) == Self.sequence(12) && known(3) == Self.sequence(10))
    #expect(try known(1) == nil)
    #expect(try catalog.sequence(of: session)?.lastTurn == 6)
    // A reply whose sequence is not known is read from its text, behind what is.
    try say(nil)
    #expect(try catalog.sequence(of: session)?.lastTurn == 6)
    try say(Self.sequence(30))
    #expect(try known() == Self.sequence(30))
    #expect(try catalog.removeLastExchange(of: session))
    #expect(try known() == Self.sequence(13))
    try say(Self.sequence(17), replacing: 5)
    #expect(try known() == Self.sequence(17) && known(4) == Self.sequence(12))
    // Another window's blocks, or other tokens, begin anew.
    try say(Self.sequence(19, root: 2))
    #expect(try known() == Self.sequence(19, root: 2))
    try say(Self.sequence(23, root: 2, first: 5))
    #expect(try known() == Self.sequence(23, root: 2, first: 5))

    let fork = try #require(try catalog.fork(session, as: "two", at: 3))
    #expect(try catalog.sequence(of: fork.id)?.sequence == known())
    #expect(try catalog.setInstructions("be kind", of: session, at: 4))
    #expect(try known() == nil)
    #expect(try catalog.sequence(of: fork.id) != nil)
    try catalog.rebind(fork.id, model: Self.model, modelName: "another", template: "llama3")
    #expect(try catalog.sequence(of: fork.id) == nil)
    #expect(try catalog.session(fork.id)?.template == "llama3")
  }

  @Test("What was said behind a forgotten turn is not known any more, what was said before it is")
  func brokenSequences() throws {
    let catalog = try Catalog(directory: nil)
    let session = try #require(try catalog.begin(Self.new("one"))).id
    for (number, count) in [9, 14, 22].enumerated() {
      #expect(
        try catalog.append(
          question: "q\(number)", reply: "r", sequence: Self.sequence(count),
          settings: [UInt8(number)], to: session, at: 2))
    }
    #expect(try catalog.settings(of: session) == [2])
    #expect(try catalog.forget(.containing("q1"), in: "mine") == 2)
    let known = try #require(try catalog.sequence(of: session))
    #expect(known.lastTurn == 2 && known.sequence == Self.sequence(9))
    // It goes on behind what is left.
    #expect(
      try catalog.append(
        question: "q3", reply: "r", sequence: Self.sequence(30), to: session, at: 2))
    #expect(try catalog.sequence(of: session)?.sequence == Self.sequence(30))
    #expect(try catalog.forget(.containing("q0"), in: "mine") == 2)
    #expect(try catalog.sequence(of: session) == nil)
  }

  @Test("A fork holds the same turns, and what happens to one does not happen to the other")
  func forking() throws {
    let catalog = try Catalog(directory: nil)
    let origin = try #require(try catalog.begin(Self.new("one"))).id
    #expect(try catalog.append(question: "q", reply: "r", to: origin, at: 2))
    #expect(try catalog.fork(origin, as: "one", at: 3) == nil)
    #expect(try catalog.fork(origin + 7, as: "two", at: 3) == nil)
    let fork = try #require(try catalog.fork(origin, as: "two", at: 3))
    #expect(fork.forkedFrom == "one" && fork.turns == 2 && fork.model == Self.model)
    #expect(try catalog.append(question: "q2", reply: "r2", to: fork.id, at: 4))
    #expect(try catalog.session(origin)?.turns == 2)
    try catalog.delete(origin)
    #expect(try catalog.turns(of: origin).isEmpty)
    #expect(try catalog.session(fork.id)?.forkedFrom == nil)
    #expect(try catalog.turns(of: fork.id).count == 4)
    // Numbers do not come back: locks are named by them.
    try catalog.delete(fork.id)
    #expect(try #require(try catalog.begin(Self.new("three"))).id > fork.id)
  }

  @Test("What is forgotten goes with its question or reply, in its namespace, from file and log")
  func forgetting() throws {
    try Self.withFolder { folder in
      let catalog = try Catalog(directory: folder)
      let secret = "violet badger"
      func holds() throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: folder).contains { name in
          guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/\(name)")) else {
            return false
          }
          return data.range(of: Data(secret.utf8)) != nil
        }
      }
      let session = try #require(try catalog.begin(Self.new("one"))).id
      let other = try #require(try catalog.begin(Self.new("one", in: "yours"))).id
      #expect(try catalog.append(question: "q1", reply: "r1", to: session, at: 1))
      #expect(try catalog.append(question: "the \(secret)?", reply: "yes", to: session, at: 1))
      #expect(try catalog.append(question: "q3", reply: "\(secret)", to: session, at: 1))
      #expect(try catalog.append(question: "q4", reply: "r4", to: session, at: 1))
      #expect(try catalog.append(question: "q1", reply: "r1", to: other, at: 1))
      #expect(try holds())
      #expect(try catalog.count(.containing(secret), in: "yours") == 0)
      #expect(try catalog.count(.containing(secret), in: "mine") == 4)
      #expect(try catalog.forget(.containing(secret), in: "mine") == 4)
      #expect(try catalog.purge())
      #expect(try !holds())
      #expect(
        try Self.said(catalog, session) == [
          "1 user: q1", "2 assistant: r1", "7 user: q4", "8 assistant: r4",
        ])
      #expect(try catalog.append(question: "q5", reply: "r5", to: session, at: 1))
      #expect(try catalog.turns(of: session).suffix(2).map(\.number) == [9, 10])
      #expect(try catalog.forget(.session("one"), in: "mine") == 6)
      #expect(try catalog.session(session) == nil)
      #expect(try catalog.forget(.everything, in: "yours") == 2)
      #expect(try catalog.sessions().isEmpty)
    }
  }

  @Test("A session has one holder at a time, who is named, and is free when that one lets go")
  func locking() throws {
    try Self.withFolder { folder in
      var lock: SessionLock? = try SessionLock(directory: folder, session: 7)
      #expect(throws: SessionLock.Failure.held(by: getpid())) {
        try SessionLock(directory: folder, session: 7)
      }
      // A refused one does not take the lock away with it.
      #expect(throws: SessionLock.Failure.held(by: getpid())) {
        try SessionLock(directory: folder, session: 7)
      }
      _ = try SessionLock(directory: folder, session: 8)
      #expect(lock != nil)
      lock = nil
      lock = try SessionLock(directory: folder, session: 7)
      lock?.remove()
      #expect(!FileManager.default.fileExists(atPath: folder + "/locks/session-7"))
      #expect(throws: SessionLock.Failure.self) {
        try SessionLock(directory: folder + "/missing", session: 7)
      }
    }
  }
}
