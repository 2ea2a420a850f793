import Cache
import Cascade
import Foundation
import TestSupport
import Testing

/// Files that the first version of the format was written in. They are made once, with
///
///     SPARK_WRITE_FIXTURES=1 swift test -c release --filter SnapshotFixtureTests
///
/// and not again: that they can still be read is what they are for.
@Suite("Snapshots of earlier versions", .serialized)
struct SnapshotFixtureTests {
  private static let isWriting =
    ProcessInfo.processInfo.environment["SPARK_WRITE_FIXTURES"] != nil

  private static func name(_ form: SnapshotForm) -> String { "snapshot-v1-\(form.rawValue).spark" }

  private static func url(_ form: SnapshotForm) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/\(name(form))")
  }

  @Test("Fixtures are written", .enabled(if: isWriting, "only when asked to"))
  func writing() throws {
    let world = try SnapshotWorld()
    let session = try world.hold("fixture", tokens: 60, seed: 2026)
    for form in SnapshotForm.allCases {
      try Data(try world.export(session, as: form)).write(to: Self.url(form))
    }
  }

  @Test("Version 1 can be read", arguments: SnapshotForm.allCases)
  func version1(form: SnapshotForm) throws {
    let there = try SnapshotWorld()
    let result = try there.import([UInt8](try Data(contentsOf: Self.url(form))))
    let session = result.session
    #expect(session.name == "fixture" && session.namespace == "mine" && session.turns == 4)
    #expect(session.created == 10 && session.used == 13 && session.template == "chatml")
    let whole = try #require(try there.catalog.whole(session.id))
    #expect(
      whole.turns.map { Array($0.text.utf8) }
        == [
          "You are fixture.", "e\u{301} and é?", "A zero \u{0} and more", "Question two", "",
        ].map { Array($0.utf8) })
    #expect(whole.turns.map(\.time) == [11, 12, 12, 13, 13] && whole.settings == [7, 0, 255])
    guard form != .text else {
      #expect(whole.sequence == nil && there.blockCount == 0)
      return
    }
    let sequence = try #require(whole.sequence)
    #expect(sequence.tokens.count == 60 && sequence.blocks.count == 3 && sequence.tail != nil)
    #expect(result.tally.blocks == 4 && result.tally.blockTokens == 59)
    // The bits that attention reads, as they were when the file was made.
    let sums = try (sequence.blocks + [sequence.tail!]).map {
      Checksum.xxh64(try there.bytes(of: $0))
    }
    #expect(sums == (form == .exact ? Self.exactSums : Self.packedSums))
  }

  private static let exactSums: [UInt64] = [
    13_745_665_116_592_004_710, 12_281_131_124_017_113_486, 2_659_075_045_705_779_528,
    14_131_117_630_788_689_894,
  ]
  private static let packedSums: [UInt64] = [
    936_832_672_784_016_744, 529_305_676_625_653_332, 9_168_340_726_150_626_994,
    16_874_457_386_733_784_496,
  ]
}
