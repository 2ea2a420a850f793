import Generation
import Testing

@Suite struct UTF8Tests {
  @Test(arguments: [
    "plain", "é", "e\u{301}", "ß–€", "漢字かな", "𝄞🜁", "👩‍👩‍👧‍👦 and 🏳️‍🌈", "a\u{0}b", "\u{FFFD}",
    "\u{10FFFF}\u{E000}",
  ])
  func `text is the same however it is cut, and no part of it is broken`(text: String) {
    let bytes = Array(text.utf8)
    for pieces in cuts(of: bytes) {
      let result = TextEmitter.stream(pieces)
      #expect(result.text == bytes, "\(pieces)")
      for part in result.parts {
        #expect(String(validating: part, as: UTF8.self) != nil, "\(pieces) gave \(part)")
      }
    }
    let result = TextEmitter.stream(bytes.map { [$0] })
    #expect(result.text == bytes)
    #expect(result.parts.allSatisfy { String(validating: $0, as: UTF8.self) != nil })
  }

  @Test func `a scalar is passed on with its last byte`() {
    let result = TextEmitter.stream([[0xF0], [0x9F], [0x98], [0x80], [0x41]])
    #expect(result.parts == [[], [], [], [0xF0, 0x9F, 0x98, 0x80], [0x41], []])
  }

  @Test(arguments: seeds)
  func `garbage is replaced as Swift's own decoder does, and never waits`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<400 {
      // Mostly the bytes that have a meaning in UTF-8; an ASCII end, so that nothing is unfinished.
      let heads: [UInt8] = [0xC0, 0xC2, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF]
      let bytes: [UInt8] =
        (0..<Int.random(in: 0...12, using: &generator)).map { _ in
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: heads.randomElement(using: &generator)!
          case 1: .random(in: 0...0xFF, using: &generator)
          default: [0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF].randomElement(using: &generator)!
          }
        } + [0x2E]
      let expected = Array(String(decoding: bytes, as: UTF8.self).utf8)
      let result = TextEmitter.stream(randomCut(bytes, &generator))
      #expect(result.text == expected, "seed \(seed), \(bytes)")
    }
  }

  @Test func `a stream of garbage flows`() {
    var emitter = TextEmitter()
    var output: [UInt8] = []
    for round in 1...100 {
      emitter.append([0xE2].span, to: &output)
      // All but the last of them has been given up.
      #expect(output.count == (round - 1) * 3)
    }
  }

  @Test(arguments: ["aé", "a€", "a😀"])
  func `a reply that ends within a scalar loses it, streamed or not`(text: String) {
    let bytes = Array(text.utf8)
    for count in 1..<bytes.count {
      let cut = Array(bytes.prefix(count))
      #expect(TextEmitter.text(of: cut.span) == "a")
      for pieces in cuts(of: cut) { #expect(TextEmitter.stream(pieces).text == [0x61]) }
    }
  }

  @Test func `it says when it holds part of a scalar`() {
    var emitter = TextEmitter()
    var output: [UInt8] = []
    emitter.append([0x41].span, to: &output)
    #expect(!emitter.isHolding)
    emitter.append([0xC3].span, to: &output)
    #expect(emitter.isHolding)
    emitter.append([0xA9].span, to: &output)
    #expect(!emitter.isHolding)
  }
}
