import Model
import TestSupport
import Testing

/// Joining, against the obvious loop, and how its work grows.
struct TokenizerMergeTests {
  @Test func `byte pairs are joined as by the obvious loop`() throws {
    let tokenizer = TokenizerFixture.gpt2.tokenizer
    let merges = try #require(
      TokenizerFixture.gpt2.file().metadata.strings("tokenizer.ggml.merges"))
    var ranks: [String: Int] = [:]
    for i in 0..<merges.count { ranks[merges.text(i)] = i }

    let seed: UInt64 = 0x5EED_0006
    var generator = SeededGenerator(seed: seed)
    for round in 0..<300 {
      // One piece, as it has letters only; few different ones, so that much can be joined.
      let letters = "eeeeaaotinshrdl"
      let word = (0..<Int.random(in: 1...80, using: &generator)).map { _ in
        letters.randomElement(using: &generator)!
      }
      var symbols = word.map(String.init)
      while let (i, _) = symbols.indices.dropLast()
        .compactMap({ i in ranks["\(symbols[i]) \(symbols[i + 1])"].map { (i, $0) } })
        .min(by: { $0.1 < $1.1 })
      {
        symbols[i] += symbols.remove(at: i + 1)
      }
      let expected = symbols.map { tokenizer.token(forText: $0) }
      #expect(tokenizer.encode(String(word)) == expected, "seed \(seed), round \(round)")
    }
  }

  @Test func `scored tokens are joined as by the obvious loop`() throws {
    let tokenizer = TokenizerFixture.llamaSPM.tokenizer
    let scores = try #require(
      TokenizerFixture.llamaSPM.file().metadata.floats("tokenizer.ggml.scores"))
    let seed: UInt64 = 0x5EED_0007
    var generator = SeededGenerator(seed: seed)
    for round in 0..<200 {
      let text = String((0..<60).map { _ in "eeaotin shr dlü".randomElement(using: &generator)! })
      var symbols = Array("▁" + text.replacing(" ", with: "▁")).map(String.init)
      while let (i, _) = symbols.indices.dropLast()
        .compactMap({ i in
          tokenizer.token(forText: symbols[i] + symbols[i + 1]).map { (i, scores[Int($0)]) }
        })
        // The first among equals, which `max` would not give.
        .min(by: { $0.1 > $1.1 })
      {
        symbols[i] += symbols.remove(at: i + 1)
      }
      let expected = symbols.map { tokenizer.token(forText: $0) }
      #expect(
        tokenizer.encode(text, addSpecial: false) == expected, "seed \(seed), round \(round)")
    }
  }

  @Test(arguments: TokenizerFixture.allCases, ["a", " ", "ab", "=", "é", "\n", "a b"])
  func `work grows with the text, not with its square`(
    _ fixture: TokenizerFixture, unit: String
  ) {
    func steps(_ byteCount: Int) -> Int {
      fixture.tokenizer.encodingSteps(
        Array(String(repeating: unit, count: byteCount / unit.utf8.count).utf8))
    }
    let small = steps(10_000)
    let large = steps(100_000)
    // Ten times the text: n log n takes 12 times the steps, n² would take 100 times.
    // None at all where each piece is a token and merges are ignored.
    #expect(large <= 16 * small, "\(small) steps, then \(large)")
    #expect(large < 100_000 * 64, "\(large) steps for 100,000 bytes")
  }
}
