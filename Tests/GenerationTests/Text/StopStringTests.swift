import Generation
import Testing

@Suite struct StopStringTests {
  /// By the definition: the match that ends first, and of those the longest.
  private func cut(_ text: [UInt8], at stops: [String]) -> (text: [UInt8], stop: String?) {
    for end in 0...text.count {
      let ending = stops.filter { stop in
        end >= stop.utf8.count && text[..<end].suffix(stop.utf8.count).elementsEqual(stop.utf8)
      }
      if let longest = ending.max(by: { $0.utf8.count < $1.utf8.count }) {
        return (Array(text[..<(end - longest.utf8.count)]), longest)
      }
    }
    return (text, nil)
  }

  @Test(arguments: [
    ("one\n\ntwo", ["\n\n"]),
    ("User: hi\nUser: again", ["\nUser:", "\n\n"]),
    ("aaaaab", ["aab"]),
    ("abcabcabd", ["abcabd"]),
    ("abcd", ["abcd", "bc"]),
    ("xabcd", ["bcd", "abcd", "cd"]),
    ("no stop here", ["stopped", "heretic"]),
    ("日本語。終", ["。終わり", "語。終"]),
    ("é\u{301}x", ["\u{301}x"]),
    ("end", ["end"]),
    ("", ["x"]),
  ])
  func `a stop string ends the text wherever it is cut`(text: String, stops: [String]) {
    let bytes = Array(text.utf8)
    let expected = cut(bytes, at: stops)
    for pieces in cuts(of: bytes) + [bytes.map { [$0] }] {
      let result = TextEmitter.stream(pieces, stopStrings: stops)
      #expect(result.text == expected.text, "\(pieces)")
      #expect(result.stop == expected.stop, "\(pieces)")
      #expect(result.parts.allSatisfy { String(validating: $0, as: UTF8.self) != nil })
    }
    #expect(
      TextEmitter.text(of: bytes.span, stopStrings: stops)
        == String(decoding: expected.text, as: UTF8.self))
  }

  @Test(arguments: seeds)
  func `stop strings over few letters match by their definition`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    func word(_ lengths: ClosedRange<Int>) -> String {
      String(
        (0..<Int.random(in: lengths, using: &generator)).map { _ in
          "abé".randomElement(using: &generator)!
        })
    }
    for _ in 0..<300 {
      let stops = (0..<Int.random(in: 1...4, using: &generator)).map { _ in word(1...5) }
      let text = word(0...20)
      let bytes = Array(text.utf8)
      let expected = cut(bytes, at: stops)
      let result = TextEmitter.stream(randomCut(bytes, &generator), stopStrings: stops)
      #expect(result.text == expected.text, "seed \(seed), \(text), \(stops)")
      #expect(result.stop == expected.stop, "seed \(seed), \(text), \(stops)")
    }
  }

  @Test(arguments: seeds)
  func `only what may begin a stop string is held back`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let stops = ["aab", "aaaa", "ba"]
    for _ in 0..<100 {
      let bytes = (0..<15).map { _ in [UInt8(0x61), 0x62, 0x63].randomElement(using: &generator)! }
      var emitter = TextEmitter(stopStrings: stops)
      var output: [UInt8] = []
      for (index, byte) in bytes.enumerated() {
        emitter.append([byte].span, to: &output)
        if emitter.stop != nil { break }
        let read = bytes[...index]
        let held = read.dropFirst(output.count)
        // The longest ending of what was read that a stop string begins with.
        let expected = (0...read.count).last { count in
          stops.contains {
            $0.utf8.count > count && $0.utf8.prefix(count).elementsEqual(read.suffix(count))
          }
        }
        #expect(held.count == expected, "seed \(seed), \(bytes)")
        #expect(emitter.isHolding == !held.isEmpty)
      }
    }
  }

  @Test func `nothing comes after a stop string`() {
    var emitter = TextEmitter(stopStrings: ["."])
    var output: [UInt8] = []
    emitter.append(Array("a. b.".utf8).span, to: &output)
    emitter.append(Array("c".utf8).span, to: &output)
    emitter.finish(to: &output)
    #expect(output == Array("a".utf8))
    #expect(emitter.stop == ".")
    #expect(!emitter.isHolding)
  }

  @Test func `the beginning of a stop string that does not come is shown at the end`() {
    let result = TextEmitter.stream([Array("so\n".utf8)], stopStrings: ["\n\n"])
    #expect(result.parts.map { String(decoding: $0, as: UTF8.self) } == ["so", "\n"])
    #expect(result.stop == nil)
  }
}
