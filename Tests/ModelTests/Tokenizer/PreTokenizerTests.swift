import Foundation
import Model
import TestSupport
import Testing

struct PreTokenizerTests {
  private struct Expected: Decodable {
    /// Texts, and for each pre-tokenizer and text the pieces' lengths in bytes.
    var texts: [String]
    var pieces: [String: [[Int]]]
  }

  @Test func `pieces are those that a regular expression engine finds`() throws {
    let json = try Fixture.bytes(
      "tokenizers/pre-tokenizers.json", testFile: TokenizerFixture.testFile)
    let expected = try JSONDecoder().decode(Expected.self, from: Data(json))
    #expect(expected.pieces.count == 12)
    for (name, pieces) in expected.pieces {
      #expect(pieces.count == expected.texts.count)
      for (text, lengths) in zip(expected.texts, pieces) {
        let found = try PreTokenizer.pieces(of: Array(text.utf8), by: name)
        #expect(found.map(\.count) == lengths, "\(name): \(text.debugDescription)")
      }
    }
  }

  @Test(arguments: [
    "llama-bpe", "qwen2", "qwen35", "gpt-2", "starcoder", "default", "falcon", "deepseek-coder",
    "deepseek-llm", "deepseek-v3", "tekken", "gpt-4o",
  ])
  func `pieces cover any bytes without gaps`(name: String) throws {
    let seed: UInt64 = 0x5EED_0002
    var generator = SeededGenerator(seed: seed)
    for round in 0..<500 {
      let text = RandomText.bytes(atMost: 200, using: &generator)
      var end = 0
      for piece in try PreTokenizer.pieces(of: text, by: name) {
        #expect(piece.lowerBound == end && !piece.isEmpty, "seed \(seed), round \(round)")
        end = piece.upperBound
      }
      #expect(end == text.count, "seed \(seed), round \(round)")
    }
  }

  @Test func `a name that is not known is refused with those that are`() {
    #expect {
      _ = try PreTokenizer.pieces(of: [], by: "klingon")
    } throws: { error in
      let message = "\(error)"
      return message.contains("'klingon'") && message.contains("gpt-2, ")
        && message.contains("llama-bpe") && message.contains("smollm")
    }
  }
}
