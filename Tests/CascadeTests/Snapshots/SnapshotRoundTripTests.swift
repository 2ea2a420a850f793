import Cache
import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("Sessions exported and imported")
struct SnapshotRoundTripTests {
  @Test("An exact snapshot brings every turn, setting, token, identity and bit to another store")
  func exact() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let snapshot = try here.export(session)
    let result = try there.import(snapshot)
    #expect(result.reasonForReading == nil)
    #expect(result.tally.turns == 5 && result.tally.tokens == 55 && result.tally.blocks == 4)
    #expect(result.tally.blockTokens == 54 && result.tally.blocksLeftOut == 0)
    #expect(result.tally.bytes == snapshot.count)
    let before = try #require(try here.catalog.whole(session.id))
    let after = try #require(try there.catalog.whole(result.session.id))
    #expect(after.turns == before.turns && after.settings == before.settings)
    for (left, right) in zip(after.turns, before.turns) {
      // String's == takes canonically equivalent texts for equal.
      #expect(Array(left.text.utf8) == Array(right.text.utf8))
    }
    #expect(after.sequence == before.sequence && after.marks == before.marks)
    #expect(after.signature == before.signature)
    #expect(after.marks.map(\.turn) == [2, 4] && after.sequence?.blocks.count == 3)
    let kept = after.session
    #expect(kept.name == "fox" && kept.memory == "fox" && kept.namespace == "mine")
    #expect(kept.created == session.created && kept.used == session.used && kept.turns == 4)
    #expect(kept.template == "chatml" && !kept.isPinned)
    let sequence = try #require(after.sequence)
    for identity in sequence.blocks + [try #require(sequence.tail)] {
      #expect(try there.bytes(of: identity) == here.bytes(of: identity))
      #expect(there.passage(identity) == here.passage(identity))
    }
    // It survives the process, and can be exported again to the same bytes.
    let again = try SnapshotWorld(in: there.folder)
    #expect(try again.export(try #require(try again.catalog.session(kept.id))) == snapshot)
  }

  @Test(
    "Passages come under the name that the session gets, and blocks that are there are kept once")
  func renaming() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let snapshot = try here.export(session)
    let result = try there.import(snapshot, as: "vixen")
    #expect(result.session.name == "vixen" && result.session.memory == "vixen")
    let sequence = try #require(try there.catalog.sequence(of: result.session.id)).sequence
    for (place, identity) in (sequence.blocks + [sequence.tail!]).enumerated() {
      let passage = try #require(there.passage(identity))
      #expect(passage.session == "vixen" && passage.ordinal == place)
      #expect(passage.parent == (place == 0 ? nil : sequence.blocks[place - 1]))
    }
    let count = there.blockCount
    #expect(try there.import(snapshot, as: "reynard").tally.blocks == 4)
    #expect(there.blockCount == count)
  }

  @Test("A name that is taken is refused, and so is one that is taken meanwhile")
  func taken() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let snapshot = try here.export(try here.hold("fox"))
    try there.import(snapshot)
    #expect(code { try there.import(snapshot) } == .taken)
    let before = there.blockCount
    let other = try here.export(try here.hold("owl", seed: 7))
    let place = there.place
    let error = code {
      try there.import(other) { done, total in
        guard done == total else { return }
        _ = try? place.catalog.begin(
          NewSession(
            namespace: "mine", name: "owl", model: BlockIdentity(high: 3, low: 4), modelName: "",
            template: "", created: 0))
      }
    }
    #expect(error == .taken)
    // The blocks that had been put are taken back.
    #expect(there.blockCount == before)
    #expect(try there.catalog.sessions().count == 2)
  }

  @Test("A snapshot of text holds no tokens, and any model takes it")
  func text() throws {
    let here = try SnapshotWorld()
    let session = try here.hold("fox")
    let snapshot = try here.export(session, as: .text)
    #expect(try SnapshotSections(snapshot).contents(of: "TOKS").isEmpty)
    let there = try SnapshotWorld(
      model: ModelDigest(high: 8, low: 8), modelName: "another model")
    let result = try there.import(snapshot)
    #expect(result.reasonForReading == nil && result.tally.blocks == 0 && there.blockCount == 0)
    let whole = try #require(try there.catalog.whole(result.session.id))
    #expect(whole.turns == (try here.catalog.turns(of: session.id)))
    #expect(whole.settings == [7, 0, 255] && whole.sequence == nil)
    #expect(whole.session.model == BlockIdentity(high: 8, low: 8))
    #expect(whole.session.modelName == "another model" && whole.session.template == "llama3")
  }

  @Test("A packed snapshot is smaller, close to the original, and found by its own session only")
  func packed() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let snapshot = try here.export(session, as: .packed)
    #expect(try snapshot.count < here.export(session).count)
    let result = try there.import(snapshot)
    #expect(result.tally.blocks == 4 && result.reasonForReading == nil)
    let original = try #require(try here.catalog.sequence(of: session.id)).sequence
    let sequence = try #require(try there.catalog.sequence(of: result.session.id)).sequence
    #expect(sequence.root == original.root && sequence.tokens == original.tokens)
    let pairs = Array(zip(original.blocks + [original.tail!], sequence.blocks + [sequence.tail!]))
    #expect(pairs.count == 4)
    for (before, after) in pairs {
      #expect(before != after && !there.tiers.contains(before))
      #expect(there.passage(after)?.tokens == here.passage(before)?.tokens)
      let numbers = zip(
        Self.numbers(try here.bytes(of: before)), Self.numbers(try there.bytes(of: after)))
      // 127 steps over a range of at most 4, and the rounding to f16.
      #expect(numbers.allSatisfy { abs($0 - $1) <= 0.5 * 4 / 126 + 0.005 })
      #expect(try here.bytes(of: before) != there.bytes(of: after))
    }
    // What is exported of it exactly comes back bit by bit, under the same identities.
    let third = try SnapshotWorld()
    let again = try third.import(try there.export(result.session))
    let chain = try #require(try third.catalog.sequence(of: again.session.id)).sequence
    #expect(chain == sequence)
    for identity in chain.blocks {
      #expect(try third.bytes(of: identity) == there.bytes(of: identity))
    }
    // Other bytes have other identities.
    let other = try #require(
      try third.catalog.sequence(
        of: third.import(try there.export(result.session, as: .packed), as: "owl").session.id)
    ).sequence
    #expect(Set(other.blocks).isDisjoint(with: chain.blocks))
  }

  private static func numbers(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: 2).map {
      Float(Float16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8))
    }
  }

  @Test("Sessions of any length survive, those without a sequence or a block among them")
  func lengths() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    for count in [1, 2, 16, 17, 18, 33, 400] {
      let session = try here.hold("s\(count)", tokens: count, seed: UInt64(count))
      for form in SnapshotForm.allCases {
        let name = "s\(count) \(form)"
        let result = try there.import(try here.export(session, as: form), as: name)
        let tokens = form == .text ? 0 : count
        #expect(result.tally.tokens == tokens, "\(name)")
        #expect(result.tally.blockTokens == max(0, tokens - 1), "\(name)")
        #expect(
          try there.catalog.sequence(of: result.session.id)?.sequence.tokens.count ?? 0 == tokens)
      }
    }
    let bare = try #require(
      try here.catalog.begin(
        NewSession(
          namespace: "mine", name: "bare", model: BlockIdentity(high: 3, low: 4), modelName: "m",
          template: "chatml", created: 1)))
    let result = try there.import(try here.export(bare))
    #expect(result.session.turns == 0 && result.session.name == "bare")
  }

  @Test("Blocks that are gone are left out and told, and the others come along")
  func missing() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let chain = try #require(try here.catalog.sequence(of: session.id)).sequence.blocks
    _ = try here.tiers.forget([chain[1]])
    let sink = ArraySink()
    let tally = try SnapshotExport(session.id, as: .exact, from: here.place).write(to: sink)
    #expect(tally.blocks == 3 && tally.blocksLeftOut == 1)
    let result = try there.import(sink.bytes)
    #expect(result.tally.blocks == 3 && result.tally.blocksLeftOut == 1)
    let sequence = try #require(try there.catalog.sequence(of: result.session.id)).sequence
    #expect(sequence.blocks == chain)
    #expect(there.tiers.contains(chain[0]) && there.tiers.contains(chain[2]))
    #expect(!there.tiers.contains(chain[1]))
  }

  @Test("Where no block is there, it is asked how they were kept")
  func noneThere() throws {
    let here = try SnapshotWorld()
    let session = try here.hold("fox")
    let sequence = try #require(try here.catalog.sequence(of: session.id)).sequence
    _ = try here.tiers.forget(Set(sequence.blocks + [sequence.tail!]))
    #expect(code { try here.export(session) } == .otherModel)
    #expect(code { try here.export(session, as: .text) } == nil)
  }

  @Test("A session that is undone after it was imported goes back to where it stood")
  func undoing() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let imported = try there.import(try here.export(session)).session
    for world in [(here, session.id), (there, imported.id)] {
      #expect(try world.0.catalog.removeLastExchange(of: world.1))
    }
    let before = try #require(try here.catalog.sequence(of: session.id))
    let after = try #require(try there.catalog.sequence(of: imported.id))
    #expect(after.sequence == before.sequence && after.lastTurn == 2)
    #expect(after.sequence.tokens.count == 27)
  }

  @Test("A snapshot goes from a pipe into a store while it is written to it")
  func pipes() async throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    // More than a pipe holds.
    let session = try here.hold("fox", tokens: 2000)
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    let (id, from) = (session.id, here.place)
    let thread = Thread {
      let sink = DescriptorSink(writeEnd, name: "a pipe")
      _ = try? SnapshotExport(id, as: .exact, from: from).write(to: sink)
      close(writeEnd)
    }
    thread.start()
    let opened = try OpenedSnapshot(SnapshotSource(readEnd, name: "a pipe", isOwned: true))
    let result = try SnapshotImport(into: there.place, as: "fox", namespace: "mine").run(opened)
    #expect(result.tally.blocks == 125 && result.tally.bytes > 1 << 17)
    #expect(try there.export(result.session) == here.export(session))
    // The copy that was made on the way is gone.
    let names = try FileManager.default.contentsOfDirectory(atPath: there.folder)
    #expect(!names.contains { $0.hasPrefix("import") })
  }

  @Test("A file is there once it is whole, and replaces another one only when told to")
  func files() throws {
    let here = try SnapshotWorld()
    let session = try here.hold("fox")
    let path = here.folder + "/fox.spark"
    let export = try SnapshotExport(session.id, as: .exact, from: here.place)
    func names() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: here.folder)
        .filter { $0.contains(".spark") }
    }
    func write(replaces: Bool, cancels: Bool = false) throws {
      let sink = try FileSink(path, replaces: replaces)
      #expect(try names().count == 1 + (replaces ? 1 : 0))
      _ = try export.write(to: sink, isCancelled: { cancels })
      try sink.finish()
    }
    #expect(code { try write(replaces: false, cancels: true) } == .cancelled)
    #expect(try names().isEmpty)
    try write(replaces: false)
    #expect(try names() == ["fox.spark"])
    let bytes = try Data(contentsOf: URL(filePath: path))
    #expect(try Array(bytes) == here.export(session))
    #expect(code { try write(replaces: false) } == .output)
    #expect(code { try write(replaces: true, cancels: true) } == .cancelled)
    #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
    try write(replaces: true)
    #expect(try names() == ["fox.spark"])
    #expect(code { _ = try FileSink("/nonexistent/fox", replaces: false) } == .output)
  }
}

/// What `body` is refused with; nil when it is not.
@discardableResult
func code<R>(_ body: () throws -> R) -> SnapshotError.Code? {
  do {
    _ = try body()
    return nil
  } catch let error as SnapshotError {
    #expect(error.message.hasSuffix(".") && !error.message.contains("\n"), "\(error)")
    return error.code
  } catch {
    Issue.record("\(error)")
    return nil
  }
}
