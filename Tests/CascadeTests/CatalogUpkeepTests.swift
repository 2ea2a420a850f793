import Cache
import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("Upkeep of the catalog")
struct CatalogUpkeepTests {
  private static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-upkeep-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private static func begin(_ name: String, _ catalog: Catalog) throws -> KeptSession {
    try #require(
      try catalog.begin(
        NewSession(
          namespace: "mine", name: name, model: BlockIdentity(high: 3, low: 4),
          modelName: "a model", template: "chatml", created: 10)))
  }

  private static func block(_ number: Int) -> BlockIdentity {
    BlockIdentity(high: 5, low: UInt64(number))
  }

  /// Three exchanges that have become 5, 9 and 14 blocks of four tokens, and a tail of two tokens.
  private static func talk(_ catalog: Catalog) throws -> Int64 {
    let session = try begin("one", catalog).id
    for (number, count) in [5, 9, 14].enumerated() {
      let sequence = KeptSequence(
        root: BlockIdentity(high: 1, low: 1), tokens: Array(0..<TokenID(4 * count + 2)),
        blocks: (0..<count).map(block), tail: block(100 + number))
      #expect(
        try catalog.append(
          question: "q", reply: "r", sequence: sequence, to: session, at: 11))
    }
    return session
  }

  @Test(
    "A session that lacks a block keeps what comes before the turn that needs it",
    arguments: [(0, nil), (4, nil), (5, 5), (8, 5), (9, 9), (13, 9)] as [(Int, Int?)])
  func droppingSequences(missing: Int, left: Int?) throws {
    let catalog = try Catalog(directory: nil)
    let session = try Self.talk(catalog)
    try catalog.dropSequence(of: session, fromBlock: missing)
    let sequence = try catalog.sequence(of: session)?.sequence
    #expect(sequence?.blocks.count == left && sequence?.tail == nil)
    #expect(try catalog.turns(of: session).count == 6)
  }

  @Test("A session that lacks its last block alone goes on from the others")
  func droppingTails() throws {
    let catalog = try Catalog(directory: nil)
    let session = try Self.talk(catalog)
    try catalog.dropSequence(of: session, fromBlock: nil)
    let sequence = try #require(try catalog.sequence(of: session)).sequence
    #expect(sequence.blocks.count == 14 && sequence.tail == nil)
  }

  @Test("A catalog that is begun anew has every row that can be read, and the old file is kept")
  func rescue() throws {
    try Self.withFolder { folder in
      let owner = CatalogOwner(namespace: "mine", model: BlockIdentity(high: 3, low: 4))
      var before: KeptSequence?
      do {
        let catalog = try Catalog(directory: folder)
        let session = try Self.talk(catalog)
        let fork = try #require(try catalog.fork(session, as: "fork", at: 20))
        #expect(fork.forkedFrom == "one")
        try catalog.pin(fork.id, true)
        try catalog.save(
          Concept(
            identity: Self.block(7), tokens: [1, 2],
            links: [Concept.Link(block: Self.block(8), session: 9)],
            count: DecayedCount(weight: 2, at: 3), created: 4), of: owner)
        before = try catalog.sequence(of: session)?.sequence
        #expect(try catalog.purge())
      }
      let results = try (0..<2).map { _ in
        try CatalogRescue.run(in: folder, suffix: "damaged-1")
      }
      #expect(results.allSatisfy { $0.sessions == 2 && $0.turns == 12 })
      // One that is kept is not written over.
      #expect(Set(results.map(\.movedTo)).count == 2)
      for result in results { #expect(FileManager.default.fileExists(atPath: result.movedTo)) }
      let catalog = try Catalog(directory: folder)
      #expect(try catalog.condition().isWhole)
      let one = try #require(try catalog.session(named: "one", in: "mine"))
      #expect(try catalog.sequence(of: one.id)?.sequence == before)
      let fork = try #require(try catalog.session(named: "fork", in: "mine"))
      #expect(fork.forkedFrom == "one" && fork.isPinned)
      #expect(try catalog.concepts(of: owner).map(\.links.count) == [1])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder)
          .filter { $0.contains("rescue") } == [])
    }
  }

  @Test("Figures count what was said; a catalog is whole, and compacting changes nothing in it")
  func figures() throws {
    try Self.withFolder { folder in
      let catalog = try Catalog(directory: folder)
      #expect(try catalog.turnFigures() == Catalog.TurnFigures())
      let session = try Self.begin("one", catalog).id
      let text = String(repeating: "lighthouse ", count: 2000)
      for _ in 0..<20 {
        #expect(try catalog.append(question: text, reply: "r", to: session, at: 11))
      }
      let figures = try catalog.turnFigures()
      #expect(figures.turns == 40 && figures.bytes == 20 * (text.utf8.count + 1))
      #expect(try catalog.condition().isWhole)
      for _ in 0..<19 { #expect(try catalog.removeLastExchange(of: session)) }
      #expect(try catalog.purge())
      let path = try #require(catalog.path)
      let before = try Data(contentsOf: URL(filePath: path)).count
      #expect(try catalog.compact())
      let after = try Data(contentsOf: URL(filePath: path)).count
      #expect(after < before / 2, "\(before) bytes, then \(after)")
      #expect(try catalog.turns(of: session).map(\.text) == [text, "r"])
      #expect(try catalog.condition().isWhole)
    }
  }
}
