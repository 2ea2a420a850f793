import Model
import TestSupport
import Testing

/// The same tokens as llama.cpp, case by case.
struct TokenizerGoldenTests {
  @Test(arguments: TokenizerFixture.allCases)
  func `llama.cpp's cases give llama.cpp's tokens`(_ fixture: TokenizerFixture) throws {
    let cases = try fixture.cases()
    #expect(cases.count == 47)
    for (text, expected) in cases {
      let tokens = fixture.tokenizer.encode(text, addSpecial: false)
      #expect(tokens == expected, "\(String(decoding: text, as: UTF8.self).debugDescription)")
    }
  }

  @Test(arguments: TokenizerFixture.allCases)
  func `the cases come back byte by byte`(_ fixture: TokenizerFixture) throws {
    for (text, tokens) in try fixture.cases() {
      #expect(fixture.tokenizer.decode(tokens) == text)
    }
  }
}
