import Cache
import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("The catalog")
struct CatalogTests {
  private static let model = BlockIdentity(high: 3, low: 4)
  private static let owner = CatalogOwner(namespace: "mine", model: model)
  private static let decay = Decay(halfLife: 100)

  private static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-catalog-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private static func block(_ number: Int) -> BlockIdentity {
    BlockIdentity(high: .max - UInt64(number), low: UInt64(number))
  }

  fileprivate static func concept(
    _ number: Int, links: Int = 3, weight: Double = 1
  ) -> Concept {
    Concept(
      identity: block(number), tokens: (0..<20).map { TokenID(number * 1000 + $0 - 7) },
      links: (0..<links).map {
        Concept.Link(block: block(number * 100 + $0), session: .max - UInt64($0))
      }.sorted { ($0.block.high, $0.block.low) < ($1.block.high, $1.block.low) },
      count: DecayedCount(weight: weight, at: 50), created: 20)
  }

  @Test("What was saved is there when it is opened again, and in memory nothing is")
  func reopening() throws {
    try Self.withFolder { folder in
      #expect(!Catalog.exists(in: folder))
      for round in 1...2 {
        let catalog = try Catalog(directory: folder)
        try catalog.save(Self.concept(round), of: Self.owner)
        try catalog.save(Self.concept(9, weight: Double(round)), of: Self.owner)
        try catalog.noteRecalled([Self.block(1)], by: Self.owner, at: 100, Self.decay)
        try catalog.note(fingerprint: Self.block(round), of: Self.owner)
        #expect(try catalog.findings().isEmpty)
      }
      let catalog = try Catalog(directory: folder)
      #expect(Catalog.exists(in: folder))
      let concepts = try catalog.concepts(of: Self.owner)
      #expect(Set(concepts.map(\.identity)) == [Self.block(1), Self.block(2), Self.block(9)])
      #expect(concepts.contains(Self.concept(1)) && concepts.contains(Self.concept(9, weight: 2)))
      #expect(
        try catalog.recalled(by: Self.owner) == [Self.block(1): DecayedCount(weight: 2, at: 100)])
      #expect(try catalog.fingerprint(of: Self.owner) == Self.block(2))
    }
    #expect(try Catalog(directory: nil).concepts(of: Self.owner).isEmpty)
  }

  @Test("Counts halve in their half-life, and a clock that goes back takes nothing away")
  func decay() throws {
    let catalog = try Catalog(directory: nil)
    try catalog.noteRecalled([Self.block(1), Self.block(2)], by: Self.owner, at: 0, Self.decay)
    try catalog.noteRecalled([Self.block(1)], by: Self.owner, at: 100, Self.decay)
    try catalog.noteRecalled([Self.block(1)], by: Self.owner, at: 40, Self.decay)
    let counts = try catalog.recalled(by: Self.owner)
    #expect(counts[Self.block(1)] == DecayedCount(weight: 2.5, at: 100))
    #expect(counts[Self.block(2)]?.weight(at: 300, Self.decay) == 0.125)
    try catalog.dropRecalled([Self.block(1)])
    #expect(try catalog.recalled(by: Self.owner).count == 1)
  }

  @Test("Owners see their own only")
  func owners() throws {
    let catalog = try Catalog(directory: nil)
    let others = [
      CatalogOwner(namespace: "yours", model: Self.model),
      CatalogOwner(namespace: "mine", model: Self.block(5)),
    ]
    try catalog.save(Self.concept(1), of: Self.owner)
    try catalog.noteRecalled([Self.block(1)], by: Self.owner, at: 0, Self.decay)
    try catalog.note(fingerprint: Self.block(1), of: Self.owner)
    for other in others {
      #expect(try catalog.concepts(of: other).isEmpty)
      #expect(try catalog.recalled(by: other).isEmpty)
      #expect(try catalog.fingerprint(of: other) == nil)
    }
  }

  @Test("A selection takes what it names, what is linked to it, and nothing of another namespace")
  func selections() throws {
    let catalog = try Catalog(directory: nil)
    for number in 1...3 { try catalog.save(Self.concept(number), of: Self.owner) }
    let other = CatalogOwner(namespace: "mine", model: Self.block(5))
    try catalog.save(Self.concept(4, links: 0), of: other)
    try catalog.save(
      Self.concept(5), of: CatalogOwner(namespace: "yours", model: Self.model))
    func touched(_ selection: Catalog.Selection) throws -> Set<BlockIdentity> {
      try catalog.concepts(touchedBy: selection, in: "mine")
    }
    #expect(try touched(.blocks([])).isEmpty)
    #expect(
      try touched(.blocks([Self.block(1), Self.block(302)])) == [Self.block(1), Self.block(3)])
    #expect(try touched(.blocks([Self.block(500), Self.block(5)])).isEmpty)
    #expect(try touched(.session(.max - 1, blocks: [])) == Set((1...3).map(Self.block)))
    #expect(try touched(.session(7, blocks: [Self.block(4)])) == [Self.block(4)])
    #expect(try touched(.everything) == Set((1...4).map(Self.block)))
    try catalog.forget(concepts: [Self.block(1)], counted: [], everythingOf: nil)
    #expect(try touched(.everything) == Set((2...4).map(Self.block)))
    try catalog.forget(concepts: [], counted: [], everythingOf: "mine")
    #expect(try touched(.everything).isEmpty)
    #expect(try catalog.concepts(touchedBy: .everything, in: "yours") == [Self.block(5)])
  }

  @Test("Two connections write at once and see each other's work")
  func connections() throws {
    try Self.withFolder { folder in
      // Opened at once as well: one of them makes the tables.
      DispatchQueue.concurrentPerform(iterations: 4) { worker in
        do {
          let catalog = try Catalog(directory: folder)
          for number in 0..<25 {
            try catalog.save(Self.concept(worker * 25 + number), of: Self.owner)
            try catalog.noteRecalled([Self.block(7)], by: Self.owner, at: 0, Self.decay)
          }
        } catch {
          Issue.record("\(error)")
        }
      }
      let catalog = try Catalog(directory: folder)
      #expect(try catalog.concepts(of: Self.owner).count == 100)
      #expect(try catalog.recalled(by: Self.owner)[Self.block(7)]?.weight == 100)
    }
  }

  @Test("A damaged file is named in one sentence and left as it is, whatever byte is wrong")
  func damage() throws {
    try Self.withFolder { folder in
      let path = folder + "/" + Catalog.fileName
      do {
        let catalog = try Catalog(directory: folder)
        for number in 0..<200 { try catalog.save(Self.concept(number), of: Self.owner) }
        #expect(try catalog.purge())
      }
      let whole = try Data(contentsOf: URL(filePath: path))
      var random = SeededGenerator(seed: 17)
      var told = 0
      for round in 0..<60 {
        var bytes = whole
        switch round {
        case 0: bytes = Data("This is no catalog, but a note of some length.".utf8)
        case 1: bytes = whole.prefix(whole.count / 2)
        default: for _ in 0..<200 { bytes[random.count(0...bytes.count - 1)] ^= 0x55 }
        }
        for end in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) }
        try bytes.write(to: URL(filePath: path))
        do throws(CatalogError) {
          let catalog = try Catalog(directory: folder)
          let findings = try catalog.findings()
          _ = try catalog.concepts(of: Self.owner)
          if !findings.isEmpty { told += 1 }
        } catch {
          told += 1
          #expect([.damaged, .failed, .tooNew].contains(error.code), "\(error)")
          #expect(error.message.hasPrefix(path) && error.message.hasSuffix("."))
        }
        if round < 2 { #expect(told == round + 1) }
      }
      #expect(told > 50)
    }
  }

  @Test("A later version's file, and one that may not be written, are refused in one sentence")
  func refusals() throws {
    try Self.withFolder { folder in
      let missing = #expect(throws: CatalogError.self) {
        try Catalog(directory: folder + "/missing")
      }
      #expect(missing?.code == .inaccessible)
      #expect(missing?.message.contains(folder + "/missing/catalog.sqlite") == true)
      // A folder where the file should be, which also the superuser cannot open as one.
      try FileManager.default.createDirectory(
        atPath: folder + "/" + Catalog.fileName, withIntermediateDirectories: true)
      let blocked = #expect(throws: CatalogError.self) { try Catalog(directory: folder) }
      #expect(blocked?.code == .inaccessible)
    }
    guard getuid() != 0 else { return }
    try Self.withFolder { folder in
      try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder)
      defer {
        try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
      }
      let error = #expect(throws: CatalogError.self) { try Catalog(directory: folder) }
      #expect(error?.code == .inaccessible)
    }
  }

  @Test("What is forgotten is in neither the file nor its log")
  func bytes() throws {
    try Self.withFolder { folder in
      let catalog = try Catalog(directory: folder)
      for number in 0..<300 { try catalog.save(Self.concept(number), of: Self.owner) }
      func holds(_ number: Int) throws -> Bool {
        let trace = Self.concept(number).tokens.prefix(6).reduce(into: Data()) { data, token in
          withUnsafeBytes(of: token.littleEndian) { data.append(contentsOf: $0) }
        }
        return try FileManager.default.contentsOfDirectory(atPath: folder).contains { name in
          try Data(contentsOf: URL(filePath: "\(folder)/\(name)")).range(of: trace) != nil
        }
      }
      let victims = Array(stride(from: 0, to: 300, by: 3))
      #expect(try victims.allSatisfy(holds))
      try catalog.forget(
        concepts: Set(victims.map(Self.block)), counted: [], everythingOf: nil)
      #expect(try catalog.purge())
      #expect(try !victims.contains(where: holds))
      #expect(try holds(1) && holds(298))
    }
  }

  @Test(
    "Killed in the middle of a transaction, a concept is there with all its links or not at all")
  func killing() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-kill-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var saved = 0
    for round in 0..<6 {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [folder = folder as String, round = round as Int] in
        try CatalogTests.work(in: folder, round: round)
      }
      let catalog = try Catalog(directory: folder)
      let concepts = try catalog.concepts(of: Self.owner)
      #expect(concepts.allSatisfy { $0.links.count == 500 }, "round \(round)")
      #expect(try catalog.findings().isEmpty)
      saved = max(saved, concepts.count)
    }
    #expect(saved > 0)
  }

  /// Saves concepts of many links until it is killed.
  fileprivate static func work(in folder: String, round: Int) throws {
    let catalog = try Catalog(directory: folder)
    Thread.detachNewThread {
      usleep(UInt32(20_000 + round * 7_919))
      kill(getpid(), SIGKILL)
    }
    for number in 0... { try catalog.save(concept(number % 40, links: 500), of: owner) }
  }
}
