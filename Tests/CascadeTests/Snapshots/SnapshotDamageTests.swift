import Cache
import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("Snapshots that are damaged, cut off, or none")
struct SnapshotDamageTests {
  /// Expects that nothing of what was refused is in a store.
  private static func expectEmpty(_ world: SnapshotWorld) throws {
    #expect(world.blockCount == 0)
    #expect(try world.catalog.sessions().isEmpty)
  }

  /// Imports the file as it is now.
  private static func refusal(_ file: Int32, _ world: SnapshotWorld) -> SnapshotError.Code? {
    lseek(file, 0, SEEK_SET)
    return code {
      let opened = try OpenedSnapshot(SnapshotSource(file, name: "a file"))
      return try SnapshotImport(into: world.place, as: "fox", namespace: "mine").run(opened)
    }
  }

  @Test("Whichever byte is changed, it is noticed", arguments: SnapshotForm.allCases)
  func flips(form: SnapshotForm) throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let bytes = try here.export(try here.hold("fox", tokens: 20), as: form)
    try SnapshotFile.with(bytes) { file in
      for (place, byte) in bytes.enumerated() {
        for mask in [UInt8(1) << (place % 8), 0xFF] {
          var changed = byte ^ mask
          pwrite(file, &changed, 1, off_t(place))
          let refusal = Self.refusal(file, there)
          // Of the magic it is another file's, of the version and the flags a later one's.
          let expected: Set<SnapshotError.Code> =
            place < 8 ? [.foreign] : place < 16 ? [.tooNew, .damaged] : [.damaged]
          #expect(
            refusal.map(expected.contains) == true, "byte \(place): \(String(describing: refusal))")
        }
        var original = byte
        pwrite(file, &original, 1, off_t(place))
      }
    }
    try Self.expectEmpty(there)
  }

  @Test("Wherever it is cut off, it is noticed", arguments: SnapshotForm.allCases)
  func truncations(form: SnapshotForm) throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let bytes = try here.export(try here.hold("fox", tokens: 20), as: form)
    try SnapshotFile.with(bytes) { file in
      for count in bytes.indices.reversed() {
        ftruncate(file, off_t(count))
        #expect(Self.refusal(file, there) == .truncated, "\(count) bytes")
      }
    }
    try Self.expectEmpty(there)
  }

  @Test("Bytes behind its end, parts of another one, and parts in another order are noticed")
  func splices() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let bytes = try here.export(try here.hold("fox"))
    let other = try here.export(try here.hold("owl", seed: 5))
    #expect(code { try there.import(bytes + [0]) } == .damaged)
    #expect(code { try there.import(bytes + other) } == .damaged)
    let (starts, others) = (SnapshotSections.starts(bytes), SnapshotSections.starts(other))
    #expect(starts.count == 15 && starts.count == others.count)
    for part in 0..<starts.count - 1 {
      let (mine, theirs) = (starts[part]..<starts[part + 1], others[part]..<others[part + 1])
      var replaced = bytes
      replaced.replaceSubrange(mine, with: other[theirs])
      #expect(code { try there.import(replaced) } == .damaged, "\(part)")
      var missing = bytes
      missing.removeSubrange(mine)
      let isEnd = part == starts.count - 2
      #expect(code { try there.import(missing) } == (isEnd ? .truncated : .damaged), "\(part)")
      var twice = bytes
      twice.insert(contentsOf: bytes[mine], at: mine.lowerBound)
      #expect(code { try there.import(twice) } == .damaged, "\(part)")
    }
    try Self.expectEmpty(there)
  }

  @Test("Random bytes are refused, with a snapshot's beginning or without")
  func garbage() throws {
    let there = try SnapshotWorld()
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededGenerator(seed: seed)
    for round in 0..<500 {
      let count = random.count(0...2000)
      var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      if round % 2 == 0 { bytes = Array("SPARKSNP".utf8) + [1, 0, 0, 0, 0, 0, 0, 0] + bytes }
      #expect(code { try there.import(bytes, as: "fox", in: "mine") } != nil, "seed \(seed)")
    }
    try Self.expectEmpty(there)
  }

  @Test("A snapshot of a later version is named as such")
  func versions() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let sections = try SnapshotSections(try here.export(try here.hold("fox")))
    #expect(code { try there.import(sections.sealed(version: 2)) } == .tooNew)
    #expect(code { try there.import(sections.sealed(flags: 1)) } == .tooNew)
    #expect(code { try there.import(sections.sealed(version: 0)) } == .damaged)
    // The format as it is described is the format as it is read.
    #expect(try there.import(sections.sealed()).tally.blocks == 4)
  }

  @Test(
    "Lengths are compared with their limits before anything is allocated",
    arguments: [
      "HEAD", "SETS", "TURN", "TOKS", "CHAI", "BLCK", "END.",
    ])
  func caps(kind: String) throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let sections = try SnapshotSections(try here.export(try here.hold("fox")))
    for claimed: UInt64 in [.max, 1 << 62, 1 << 40, 268_435_457] {
      var changed = sections
      changed.change(kind) { $0.claimed = claimed }
      #expect(code { try there.import(changed.sealed()) } == .damaged, "\(claimed)")
    }
    try Self.expectEmpty(there)
  }

  @Test("What checksums say is right and cannot be right is refused, or is a session all the same")
  func lies() throws {
    // In memory: thousands of syncs would keep other tests from the disk.
    let (here, there) = (try SnapshotWorld(isKept: false), try SnapshotWorld(isKept: false))
    let session = try here.hold("fox", tokens: 40)
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededGenerator(seed: seed)
    for form in SnapshotForm.allCases {
      let sections = try SnapshotSections(try here.export(session, as: form))
      for round in 0..<700 {
        var changed = sections
        let victim = random.count(0...changed.sections.count - 1)
        var content = changed.sections[victim].content
        switch random.count(0...3) {
        case 0 where !content.isEmpty:
          content[random.count(0...content.count - 1)] ^= UInt8(1) << UInt8(random.count(0...7))
        case 1 where !content.isEmpty:
          let at = random.count(0...content.count - 1)
          for place in at..<min(at + 8, content.count) { content[place] = 0xFF }
        case 2: content.removeLast(random.count(0...min(content.count, 40)))
        default: changed.sections.swapAt(victim, random.count(0...changed.sections.count - 1))
        }
        changed.sections[victim].content = content
        let name = "\(form) \(round)"
        do {
          let result = try there.import(changed.sealed(), as: name, in: "mine")
          // Changed words, times, tokens: no damage that a reader could see. All of it can be read.
          let whole = try #require(try there.catalog.whole(result.session.id))
          #expect(try !there.export(whole.session).isEmpty, "seed \(seed), \(name)")
          for identity in whole.sequence?.blocks ?? [] where there.tiers.contains(identity) {
            #expect(throws: Never.self, "seed \(seed), \(name)") {
              try there.tiers.verify(identity)
            }
          }
        } catch let error as SnapshotError {
          #expect(error.code != .store, "seed \(seed), \(name): \(error)")
          #expect(try there.catalog.session(named: name, in: "mine") == nil)
        }
      }
    }
  }

  @Test(
    "A block whose keys and values are another's, or whose name is none of the chain's, is refused")
  func otherBlocks() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let sections = try SnapshotSections(try here.export(try here.hold("fox")))
    var changed = sections
    // The identity is behind the place, the frames are last.
    changed.change("BLCK", number: 1) { $0.content[8] ^= 1 }
    #expect(code { try there.import(changed.sealed()) } == .damaged)
    changed = sections
    let other = sections.contents(of: "BLCK")[0]
    changed.change("BLCK", number: 1) { block in
      block.content = Array(block.content[..<40]) + other[40...]
    }
    #expect(code { try there.import(changed.sealed()) } == nil)
    try there.catalog.delete(try #require(try there.catalog.sessions().first).id)
    changed = sections
    changed.change("BLCK", number: 1) { block in
      block.content = Array(block.content[..<100]) + other[100...]
    }
    #expect(code { try there.import(changed.sealed()) } == .damaged)
    changed = sections
    changed.sections.removeAll { $0.kind == "BLCK" }
    // Blocks may be missing: their tokens are read again.
    let result = try there.import(changed.sealed(), as: "owl")
    #expect(result.tally.blocks == 0 && result.tally.blocksLeftOut == 4)
  }

  @Test("A source that changes between being checked and being used is noticed, and leaves nothing")
  func changing() throws {
    let (here, there) = (try SnapshotWorld(), try SnapshotWorld())
    let bytes = try here.export(try here.hold("fox"))
    let other = try here.export(try here.hold("owl", seed: 5))
    try SnapshotFile.with(bytes) { file in
      let opened = try OpenedSnapshot(SnapshotSource(file, name: "a file"))
      let error = code {
        try SnapshotImport(into: there.place, as: "fox", namespace: "mine").run(
          opened,
          onProgress: { done, total in
            guard done == total / 2 - 1 else { return }
            _ = other.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
          })
      }
      #expect(error == .damaged)
    }
    try Self.expectEmpty(there)
  }
}
