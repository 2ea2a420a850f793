import Cache
import Cascade
import TestSupport
import Testing

@Suite("Passages")
struct PassageTests {
  private static func passage(_ random: inout SeededGenerator) -> Passage {
    let names = ["", "home", "caf\u{e9}", "cafe\u{301}", "日本語", "🏴‍☠️ and a longer name \u{0}"]
    return Passage(
      session: names.randomElement(using: &random)!,
      namespace: names.randomElement(using: &random)!,
      parent: Bool.random(using: &random)
        ? BlockIdentity(high: random.next(), low: random.next()) : nil,
      ordinal: [0, 1, random.count(0...Int(UInt32.max))].randomElement(using: &random)!,
      turn: random.count(0...Int(UInt32.max)),
      time: Int64.random(in: .min ... .max, using: &random),
      tokens: (0..<random.count(0...64)).map { _ in
        Int32.random(in: .min ... .max, using: &random)
      },
      vectors: (0..<random.count(0...300)).map { _ in
        UInt16.random(in: 0 ... .max, using: &random)
      },
      scorer: RecallOptions.Scorer.allCases.randomElement(using: &random)!,
      kind: MemoryKind.allCases.randomElement(using: &random)!)
  }

  @Test("What the first version wrote is read as an episode", arguments: 0..<20 as Range<UInt64>)
  func firstVersion(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var passage = Self.passage(&random)
    // It had no kind, which is the last byte.
    let bytes = [1] + passage.encoded().dropFirst().dropLast()
    passage.kind = .episodic
    #expect(Passage(encoded: bytes) == passage)
  }

  @Test("What is encoded is decoded", arguments: 0..<100 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let passage = Self.passage(&random)
    let decoded = try #require(Passage(encoded: passage.encoded()))
    #expect(decoded == passage)
    // String == would let canonically equal names pass.
    #expect(Array(decoded.session.utf8) == Array(passage.session.utf8))
    #expect(Array(decoded.namespace.utf8) == Array(passage.namespace.utf8))
  }

  @Test(
    "No part of an encoding, and no longer one, is a passage", arguments: [1, 2, 3] as [UInt64])
  func truncated(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let bytes = Self.passage(&random).encoded()
    for length in 0..<bytes.count {
      #expect(Passage(encoded: Array(bytes[..<length])) == nil, "\(length) of \(bytes.count) bytes")
    }
    #expect(Passage(encoded: bytes + [0]) == nil)
  }

  @Test("Damaged bytes are no passage, or the one passage that is written so")
  func flipped() {
    var refused = 0
    for seed in 0..<1000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var bytes = Self.passage(&random).encoded()
      for _ in 0..<random.count(1...3) {
        // Half of them in the front, where the lengths are.
        let end = Bool.random(using: &random) ? min(bytes.count, 72) : bytes.count
        bytes[random.count(0...end - 1)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let passage = Passage(encoded: bytes) else {
        refused += 1
        continue
      }
      #expect(passage.encoded() == bytes, "seed \(seed)")
    }
    #expect(refused > 100 && refused < 1000)
  }

  @Test("Random bytes behind the version number are no passage")
  func noise() {
    for seed in 0..<1000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let noise = (0..<random.count(0...200)).map { _ in UInt8.random(in: 0...255, using: &random) }
      for version in [1, 2] as [UInt8] {
        #expect(Passage(encoded: [version, 0, 0, 0] + noise) == nil, "seed \(seed)")
      }
    }
  }
}
