import Cache
import Cascade
import Foundation
import TestSupport
import Testing

@Suite("Seals of the catalog")
struct CatalogSealTests {
  private static let model = BlockIdentity(high: 3, low: 4)

  private static func new(_ name: String) -> NewSession {
    NewSession(
      namespace: "mine", name: name, model: model, modelName: "a model", template: "chatml",
      created: 10)
  }

  /// A folder with a catalog of one session, `garden`, in which something was said.
  private static func withCatalog(_ body: (String, Int64) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-seals-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let catalog = try Catalog(directory: folder)
    let session = try #require(try catalog.begin(new("garden"))).id
    #expect(
      try catalog.append(
        question: "What grows in the shade?", reply: "Ferns do.",
        sequence: KeptSequence(
          root: BlockIdentity(high: 1, low: 2), tokens: [7, 8, 9],
          blocks: [BlockIdentity(high: 5, low: 6)], tail: nil), settings: Array("{}".utf8),
        to: session, at: 20))
    try body(folder, session)
  }

  /// Puts other bytes of the same number in the file, wherever those stand.
  private static func replace(_ old: [UInt8], _ new: [UInt8], in folder: String) throws {
    let file = URL(filePath: folder).appending(path: Catalog.fileName)
    var data = try Data(contentsOf: file)
    var count = 0
    while let place = data.range(of: Data(old)) {
      data.replaceSubrange(place, with: new)
      count += 1
    }
    #expect(count > 0, "\(old) is not in the file: it is in the log")
    try data.write(to: file)
  }

  private static func expectDamage(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    do {
      try body()
      Issue.record("nothing was noticed", sourceLocation: sourceLocation)
    } catch let error as CatalogError {
      #expect(error.code == .damaged, "\(error)", sourceLocation: sourceLocation)
      #expect(error.message.contains(words), "\(error)", sourceLocation: sourceLocation)
    } catch {
      Issue.record("\(error)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "A text, its tokens or a number of a turn that is not what was written is told",
    arguments: [
      (Array("Ferns do.".utf8), Array("Ferns go.".utf8)),
      ([7, 0, 0, 0, 8, 0, 0, 0], [7, 0, 0, 0, 12, 0, 0, 0]),
      (Array("assistant".utf8), Array("assistans".utf8)),
    ] as [([UInt8], [UInt8])])
  func turns(old: [UInt8], new: [UInt8]) throws {
    try Self.withCatalog { folder, session in
      #expect(try Catalog(directory: folder).turns(of: session).count == 2)
      try Self.replace(old, new, in: folder)
      let catalog = try Catalog(directory: folder)
      Self.expectDamage("what was said in the session garden") {
        _ = try catalog.turns(of: session)
      }
      Self.expectDamage("garden") { _ = try catalog.fork(session, as: "other", at: 30) }
    }
  }

  @Test("A session under another name is not taken for one that is not there")
  func names() throws {
    try Self.withCatalog { folder, _ in
      // In the table and in its index, which would agree with each other.
      try Self.replace(Array("garden".utf8), Array("gardem".utf8), in: folder)
      let catalog = try Catalog(directory: folder)
      Self.expectDamage("gardem") { _ = try catalog.session(named: "garden", in: "mine") }
      Self.expectDamage("gardem") { _ = try catalog.begin(Self.new("garden")) }
      Self.expectDamage("gardem") { _ = try catalog.sessions() }
    }
  }

  @Test("All that changes a session leaves it whole")
  func changing() throws {
    try Self.withCatalog { folder, session in
      let catalog = try Catalog(directory: folder)
      func expectWhole() throws {
        for kept in try catalog.sessions() { _ = try catalog.turns(of: kept.id) }
      }
      let fork = try #require(try catalog.fork(session, as: "copy", at: 30)).id
      try expectWhole()
      #expect(try catalog.setInstructions("Be brief.", of: fork, at: 40))
      #expect(try catalog.append(question: "And?", reply: "Moss.", to: fork, at: 50))
      #expect(try catalog.append(question: "Or?", reply: "Ivy.", replacing: 3, to: fork, at: 60))
      #expect(try catalog.rename(fork, to: "shade"))
      try catalog.pin(fork, true)
      try catalog.rebind(fork, model: Self.model, modelName: "another", template: "zephyr")
      try expectWhole()
      #expect(try catalog.removeLastExchange(of: fork))
      #expect(try catalog.forget(.containing("Ferns"), in: "mine") == 4)
      try expectWhole()
      try catalog.delete(session)
      #expect(try catalog.sessions().map(\.forkedFrom) == [nil])
      try expectWhole()
    }
  }

  @Test("A catalog that is empty or gone is told where sessions were held")
  func presence() throws {
    try Self.withCatalog { folder, session in
      _ = try SessionLock(directory: folder, session: session)
      let file = folder + "/" + Catalog.fileName
      try Data().write(to: URL(filePath: file))
      Self.expectDamage("gone or empty") { _ = try Catalog(directory: folder) }
      try FileManager.default.removeItem(atPath: file)
      Self.expectDamage("gone or empty") { _ = try Catalog(directory: folder) }
      try FileManager.default.removeItem(atPath: folder + "/locks")
      #expect(try Catalog(directory: folder).sessions().isEmpty)
    }
  }

  /// All that can be asked about what was said; nil when the answer is that the catalog is damaged.
  private static func answers(_ folder: String) throws -> [String]? {
    do throws(CatalogError) {
      let catalog = try Catalog(directory: folder)
      let sessions = try catalog.sessions()
      var answers = sessions.map { "\($0)" }
      for name in ["garden", "copy", "none"] {
        answers.append("\(String(describing: try catalog.session(named: name, in: "mine")))")
      }
      for session in sessions {
        answers.append("\(try catalog.turns(of: session.id))")
        answers.append("\(String(describing: try catalog.sequence(of: session.id)))")
        answers.append("\(String(describing: try catalog.settings(of: session.id)))")
      }
      // These have no seals: they may be others, but asking must be possible.
      let owner = CatalogOwner(namespace: "mine", model: model)
      for concept in try catalog.concepts(of: owner) {
        _ = concept.count.weight(at: .max, Decay(halfLife: 10))
      }
      _ = try catalog.recalled(by: owner)
      _ = try catalog.concepts(touchedBy: .session(4, blocks: []), in: "mine")
      try catalog.noteRecalled([model], by: owner, at: 90, Decay(halfLife: 10))
      return answers
    } catch {
      #expect(error.message.hasSuffix(".") && !error.message.contains("\n"), "\(error)")
      return nil
    }
  }

  @Test("A flipped bit anywhere in the file is told, or changes nothing that was said")
  func fuzzing() throws {
    let seed = UInt64.random(in: 1...999_999)
    var random = SeededGenerator(seed: seed)
    try Self.withCatalog { folder, session in
      do {
        let catalog = try Catalog(directory: folder)
        let owner = CatalogOwner(namespace: "mine", model: Self.model)
        for number in 0..<6 {
          let text = "Turn \(number): " + String(repeating: "moss and ferns, ", count: number * 30)
          #expect(try catalog.append(question: text, reply: text, to: session, at: 30))
        }
        _ = try catalog.fork(session, as: "copy", at: 40)
        for block in 0..<20 as Range<UInt64> {
          try catalog.noteRecalled(
            [BlockIdentity(high: block, low: 1)], by: owner, at: 50, Decay(halfLife: 10))
        }
        try catalog.noteRecalled([Self.model], by: owner, at: 50, Decay(halfLife: 10))
        try catalog.save(
          Concept(
            identity: BlockIdentity(high: 8, low: 9), tokens: [1, 2, 3],
            links: [Concept.Link(block: Self.model, session: 4)],
            count: DecayedCount(weight: 1, at: 60), created: 60), of: owner)
        _ = try catalog.purge()
      }
      let expected = try #require(try Self.answers(folder))
      let path = URL(filePath: folder).appending(path: Catalog.fileName)
      let whole = [UInt8](try Data(contentsOf: path))
      let files = [path] + ["-wal", "-shm"].map { URL(filePath: path.path + $0) }
      var told = 0
      for _ in 0..<300 {
        for file in files { try? FileManager.default.removeItem(at: file) }
        var bytes = whole
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        try Data(bytes).write(to: path)
        let answers = try Self.answers(folder)
        if answers == nil { told += 1 }
        #expect(answers == nil || answers == expected, "byte \(place), seed \(seed)")
      }
      #expect(told > 0)
    }
  }

  @Test("What was said is in the file and not in its log once it is kept")
  func log() throws {
    try Self.withCatalog { folder, _ in
      let log = folder + "/" + Catalog.fileName + "-wal"
      #expect(((try? Data(contentsOf: URL(filePath: log))) ?? Data()).isEmpty)
    }
  }
}
