import Cache
import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("What of a snapshot fits where it comes to")
struct SnapshotFitTests {
  @Test("Another model or other blocks are refused, and the text can be taken all the same")
  func otherModel() throws {
    let here = try SnapshotWorld()
    let session = try here.hold("fox")
    let snapshot = try here.export(session)
    let worlds = [
      try SnapshotWorld(model: ModelDigest(high: 3, low: 5), modelName: "another"),
      try SnapshotWorld(
        layout: KVLayout(layers: 2, kvHeads: 2, headDimension: 8, blockLength: 32)),
      try SnapshotWorld(
        layout: KVLayout(layers: 2, kvHeads: 2, headDimension: 8, blockLength: 16, type: .f32)),
    ]
    for there in worlds {
      #expect(code { try there.import(snapshot) } == .otherModel)
      let result = try there.import(snapshot, isTextOnly: true)
      #expect(there.blockCount == 0)
      #expect(try there.catalog.sequence(of: result.session.id) == nil)
      #expect(try there.catalog.turns(of: result.session.id) == here.catalog.turns(of: session.id))
      #expect(result.session.model == BlockIdentity(high: 3, low: there.place.model.low))
      let isOther = there.place.modelName == "another"
      #expect(result.session.template == (isOther ? "llama3" : "chatml"))
      #expect(result.session.modelName == (isOther ? "another" : "a model"))
    }
    // Nor can another model's engine export what it cannot see.
    let other = try SnapshotWorld(
      in: here.folder, model: ModelDigest(high: 3, low: 5), modelName: "another")
    #expect(code { try other.export(session) } == .otherModel)
    #expect(code { try other.export(session, as: .text) } == nil)
  }

  @Test(
    "In another namespace blocks of the text alone are what they would be there",
    arguments: [
      SnapshotForm.exact, .packed,
    ])
  func otherNamespace(form: SnapshotForm) throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let result = try there.import(try here.export(session, as: form), in: "yours")
    #expect(result.reasonForReading == nil && result.tally.blocks == 4)
    #expect(result.session.namespace == "yours")
    let before = try #require(try here.catalog.sequence(of: session.id)).sequence
    let after = try #require(try there.catalog.sequence(of: result.session.id)).sequence
    #expect(after.root == SnapshotWorld.root(in: "yours") && after.tokens == before.tokens)
    var derived = after.root
    for (place, identity) in after.blocks.enumerated() {
      derived = derived.child(before.tokens[place * 16..<(place + 1) * 16])
      // Packed ones are nobody else's.
      #expect((identity == derived) == (form == .exact))
      let passage = try #require(there.passage(identity))
      #expect(passage.namespace == "yours" && passage.session == "fox")
      let attributes = try #require(there.tiers.block(identity)).attributes
      #expect(attributes.namespace == UInt64(naming: "yours"))
      #expect(attributes.session == UInt64(naming: "yours", "fox"))
      if form == .exact {
        #expect(try there.bytes(of: identity) == here.bytes(of: before.blocks[place]))
      }
    }
    #expect(try there.catalog.whole(result.session.id)?.signature == SnapshotWorld.signature)
  }

  @Test("What other sessions took part in stays in its namespace; its beginning and its text go")
  func impure() throws {
    let here = try SnapshotWorld()
    let session = try here.hold("fox", impureFrom: 2)
    for form in [SnapshotForm.exact, .packed] {
      let snapshot = try here.export(session, as: form)
      let there = try SnapshotWorld()
      let result = try there.import(snapshot, in: "yours")
      #expect(result.reasonForReading?.contains("took part") == true)
      #expect(try there.catalog.sequence(of: result.session.id) == nil)
      #expect(result.session.turns == 4)
      // Whoever reads the text finds them; packed ones nobody could find.
      #expect(there.blockCount == (form == .exact ? 2 : 0))
      // At home all come along.
      let home = try there.import(snapshot)
      #expect(home.reasonForReading == nil && home.tally.blocks == 4)
      let before = try #require(try here.catalog.sequence(of: session.id)).sequence
      let after = try #require(try there.catalog.sequence(of: home.session.id)).sequence
      #expect((after == before) == (form == .exact))
    }
  }

  @Test("Without knowing what blocks depend on they stay in their namespace")
  func unknownPlan() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox", isNoted: false)
    let snapshot = try here.export(session)
    let result = try there.import(snapshot, in: "yours")
    #expect(result.reasonForReading?.contains("not known") == true && there.blockCount == 0)
    #expect(try there.import(snapshot).tally.blocks == 4)
  }

  @Test("A root that its own header does not lead to, and tokens that the model lacks, are refused")
  func contradictions() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let session = try here.hold("fox")
    let sections = try SnapshotSections(try here.export(session))
    var changed = sections
    changed.change("HEAD") { header in
      // The last text is the signature.
      header.content[header.content.count - 1] ^= 1
    }
    #expect(code { try there.import(changed.sealed()) } == .damaged)
    changed = sections
    changed.change("TOKS") { tokens in tokens.content.replaceSubrange(0..<4, with: [100, 0, 0, 0]) }
    #expect(code { try there.import(changed.sealed()) } == .damaged)
    #expect(there.blockCount == 0)
  }

  @Test("An import that is given up leaves nothing, wherever it is")
  func cancelling() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let snapshot = try here.export(try here.hold("fox"))
    var steps = 0
    try there.import(
      snapshot, as: "owl", in: "yours",
      isCancelled: {
        steps += 1
        return false
      })
    let count = there.blockCount
    for last in 0..<steps {
      var left = last
      #expect(
        code {
          try there.import(
            snapshot,
            isCancelled: {
              left -= 1
              return left < 0
            })
        } == .cancelled)
      #expect(there.blockCount == count)
      #expect(try there.catalog.sessions().count == 1)
    }
    #expect(try there.import(snapshot).tally.blocks == 4)
  }

  @Test("An import from a pipe that keeps silent can be given up")
  func silence() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let snapshot = try here.export(try here.hold("fox"))
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { close(ends[1]) }
    try DescriptorSink(ends[1], name: "a pipe").write(Array(snapshot.prefix(4000)))
    let opened = try OpenedSnapshot(SnapshotSource(ends[0], name: "a pipe", isOwned: true))
    var isGivenUp = false
    let error = code {
      try SnapshotImport(into: there.place, as: "fox", namespace: "mine").run(
        opened,
        isCancelled: {
          defer { isGivenUp = true }
          return isGivenUp
        })
    }
    #expect(error == .cancelled)
    #expect(try there.catalog.sessions().isEmpty)
  }

  @Test(
    "A process that is killed between blocks and catalog leaves no session, and the next one has it"
  )
  func killing() async throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let path = here.folder + "/fox.spark"
    try Data(try here.export(try here.hold("fox"))).write(to: URL(filePath: path))
    let folder = there.folder
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = path as String, folder = folder as String] in
      let world = try SnapshotWorld(in: folder)
      let opened = try OpenedSnapshot(SnapshotSource(path: path))
      _ = try SnapshotImport(into: world.place, as: "fox", namespace: "mine").run(
        opened,
        onProgress: { done, total in
          if done == total { kill(getpid(), SIGKILL) }
        })
    }
    let after = try SnapshotWorld(in: folder)
    #expect(try after.catalog.sessions().isEmpty)
    // The blocks are whole, and no use to anyone before the session is there.
    #expect(after.blockCount == 4)
    let bytes = try Array(Data(contentsOf: URL(filePath: path)))
    #expect(try after.import(bytes).tally.blocks == 4)
    #expect(try after.export(try #require(try after.catalog.sessions().first)) == bytes)
  }

  @Test(
    "What was forgotten is in no snapshot that is made afterwards",
    arguments: [
      "Question two", "You are fox",
    ])
  func forgetting(text: String) throws {
    let here = try SnapshotWorld()
    let session = try here.hold("fox")
    func says(_ form: SnapshotForm) throws -> Bool {
      try SnapshotSections(try here.export(session, as: form)).sections.contains {
        Data($0.content).range(of: Data(text.utf8)) != nil
      }
    }
    func tokens() throws -> Int {
      try SnapshotSections(try here.export(session)).contents(of: "TOKS").first?.count ?? 0
    }
    #expect(try says(.exact) && says(.packed) && says(.text))
    #expect(try tokens() == 55 * 4)
    #expect(try here.catalog.forget(.containing(text), in: "mine") > 0)
    #expect(try !says(.exact) && !says(.packed) && !says(.text))
    // Nor do the tokens say it: of the second question's exchange, or, as all was read behind what the
    // model was told to be, of any.
    #expect(try tokens() == (text == "Question two" ? 27 * 4 : 0))
  }
}
