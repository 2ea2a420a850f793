import Model
import TestSupport
import Testing

/// What goes in comes out.
struct TokenizerRoundTripTests {
  @Test(arguments: TokenizerFixture.allCases)
  func `any bytes come back as they were`(_ fixture: TokenizerFixture) {
    let tokenizer = fixture.tokenizer
    // Bytes that a vocabulary may lack: UTF-8 does not use them, but for one of unassigned planes.
    let lacking = Set(
      (0...255 as ClosedRange<UInt8>).filter { tokenizer.decode(tokenizer.encode([$0])) != [$0] })
    #expect(lacking.isSubset(of: [0xC0, 0xC1, 0xF1, 0xF5, 0xF6, 0xF7] + Array(0xF8...0xFF)))
    #expect(lacking.isEmpty || fixture == .starcoder || fixture == .deepSeekCoder)

    let seed: UInt64 = 0x5EED_0003
    var generator = SeededGenerator(seed: seed)
    for round in 0..<2000 {
      let text =
        round.isMultiple(of: 2)
        ? RandomText.valid(atMost: 60, using: &generator)
        : RandomText.bytes(atMost: 60, using: &generator)
      let expected = text.reduce(into: [UInt8]()) { expected, byte in
        expected += lacking.contains(byte) ? [0xEF, 0xBF, 0xBD] : [byte]
      }
      let decoded = tokenizer.decode(tokenizer.encode(text))
      #expect(decoded == expected, "seed \(seed), round \(round)")
    }
  }

  @Test(arguments: TokenizerFixture.allCases)
  func `strings, bytes and spans give the same tokens`(_ fixture: TokenizerFixture) {
    let text = "Ärger 数 don't\n\n  42 🙂"
    let tokens = fixture.tokenizer.encode(text)
    #expect(fixture.tokenizer.encode(Array(text.utf8)) == tokens)
    #expect(fixture.tokenizer.encode(Array(text.utf8).span) == tokens)
  }

  @Test(arguments: TokenizerFixture.allCases)
  func `tokens rendered one by one give the same text`(_ fixture: TokenizerFixture) {
    let seed: UInt64 = 0x5EED_0004
    var generator = SeededGenerator(seed: seed)
    let tokenizer = fixture.tokenizer
    for round in 0..<300 {
      // Not only what encoding gives: any tokens in any order.
      let tokens = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
        TokenID.random(in: 0..<TokenID(tokenizer.vocabularySize), using: &generator)
      }
      for includingSpecial in [false, true] {
        var detokenizer = Detokenizer(tokenizer, includingSpecial: includingSpecial)
        var continuing = Detokenizer(
          tokenizer, continuing: true, includingSpecial: includingSpecial)
        var text: [UInt8] = []
        var continued: [UInt8] = []
        for token in tokens {
          detokenizer.append(token, to: &text)
          continuing.append(token, to: &continued)
        }
        let pieces = tokens.flatMap {
          tokenizer.piece($0, includingSpecial: includingSpecial)
        }
        let decoded = tokenizer.decode(tokens, includingSpecial: includingSpecial)
        #expect(text == decoded, "seed \(seed), round \(round)")
        #expect(continued == pieces, "seed \(seed), round \(round)")
        // At most the one space before the text is missing.
        #expect(pieces == text || tokenizer.addsSpacePrefix && pieces.count == text.count + 1)
      }
    }
  }

  @Test func `only the space before the whole text is dropped`() {
    let tokenizer = TokenizerFixture.llamaSPM.tokenizer
    let tokens = tokenizer.encode(" two spaces")
    #expect(tokenizer.decode(tokens) == Array(" two spaces".utf8))
    #expect(tokens.first == tokenizer.bos)
    var detokenizer = Detokenizer(tokenizer, continuing: true)
    var text = Array("one".utf8)
    for token in tokenizer.encode("more", addSpecial: false) {
      detokenizer.append(token, to: &text)
    }
    #expect(text == Array("one more".utf8))
  }

  @Test func `the embedded model's tokenizer works`() throws {
    let file = try GGUFFile(path: Fixture.repositoryPath("models/spark-mini.gguf"))
    let tokenizer = try Tokenizer(metadata: file.metadata)
    #expect(tokenizer.vocabularySize == 4096)
    #expect(!tokenizer.addsBOS)
    #expect(tokenizer.endOfTurn == 2)
    #expect(tokenizer.endTokens == [0, 2])
    let chat = "<|im_start|>user\nWho's there?<|im_end|>\n"
    let tokens = tokenizer.encode(chat, parseSpecial: true)
    #expect(tokens.first == 1 && tokens.contains(2))
    #expect(tokenizer.decode(tokens, includingSpecial: true) == Array(chat.utf8))
    #expect(tokenizer.decode(tokens) == Array("user\nWho's there?\n".utf8))

    let seed: UInt64 = 0x5EED_0005
    var generator = SeededGenerator(seed: seed)
    for round in 0..<500 {
      let text = RandomText.bytes(atMost: 80, using: &generator)
      #expect(
        tokenizer.decode(tokenizer.encode(text)) == text, "seed \(seed), round \(round)")
    }
  }
}
