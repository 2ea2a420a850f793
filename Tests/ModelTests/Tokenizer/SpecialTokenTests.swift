import Model
import TestSupport
import Testing

struct SpecialTokenTests {
  @Test func `BOS and EOS are added where the model wants them`() {
    func ends(_ fixture: TokenizerFixture) -> [Bool] {
      let tokenizer = fixture.tokenizer
      let tokens = tokenizer.encode("hello")
      return [tokens.first == tokenizer.bos, tokens.last == tokenizer.eos]
    }
    #expect(ends(.llamaBPE) == [true, false], "by default")
    #expect(ends(.llamaSPM) == [true, false], "the file says so")
    #expect(ends(.deepSeekCoder) == [true, false], "the file says so")
    #expect(ends(.qwen2) == [false, false])
    #expect(ends(.gpt2) == [false, false])
    #expect(TokenizerFixture.llamaBPE.tokenizer.encode("") == [128000])
    #expect(TokenizerFixture.llamaSPM.tokenizer.encode("", addSpecial: false) == [])
  }

  @Test func `special tokens are found where the caller asks`() {
    let tokenizer = TokenizerFixture.llamaBPE.tokenizer
    let text = "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>"
    let tokens = tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    #expect(tokens == [128006, 882, 128007, 271, 6151, 128009])
    #expect(tokenizer.decode(tokens) == Array("user\n\nhi".utf8))
    #expect(tokenizer.decode(tokens, includingSpecial: true) == Array(text.utf8))
    #expect(tokenizer.isControl(128009) && !tokenizer.isControl(882))
    #expect(tokenizer.endOfTurn == 128009)
    #expect(tokenizer.endTokens == [128001, 128009])
    #expect(tokenizer.rawText(of: 271) == Array("ĊĊ".utf8))
    #expect(tokenizer.token(forText: "ĊĊ") == 271)
    #expect(tokenizer.piece(271) == [10, 10])
    #expect(tokenizer.piece(128009) == [])
    #expect(tokenizer.token(forText: "no such token") == nil)
  }

  @Test(arguments: TokenizerFixture.allCases)
  func `text never spells a control token unasked`(_ fixture: TokenizerFixture) {
    let tokenizer = fixture.tokenizer
    let controls = (0..<TokenID(tokenizer.vocabularySize)).filter(tokenizer.isControl)
    #expect(!controls.isEmpty)
    for control in controls {
      let text = tokenizer.rawText(of: control)
      let around = Array("a".utf8) + text + Array(" b".utf8) + text
      for text in [text, around] {
        let tokens = tokenizer.encode(text, addSpecial: false)
        #expect(!tokens.contains(where: tokenizer.isControl))
        #expect(tokenizer.decode(tokens) == text)
      }
      #expect(tokenizer.encode(text, addSpecial: false, parseSpecial: true) == [control])
    }
  }

  // MARK: Small vocabularies

  /// SentencePiece: unknown, BOS, EOS, all bytes, then `tokens` with kind and score.
  private func sentencePiece(
    _ tokens: [(text: String, type: Int32, score: Float)],
    _ more: [(key: String, value: GGUFWriter.Value)] = []
  ) throws -> Tokenizer {
    let bytes = (0..<256).map { value in
      let digits = String(value, radix: 16, uppercase: true)
      return (text: "<0x\(value < 16 ? "0" : "")\(digits)>", type: Int32(6), score: Float(0))
    }
    let all: [(text: String, type: Int32, score: Float)] =
      [("<unk>", 2, 0), ("<s>", 3, 0), ("</s>", 3, 0)] + bytes + tokens
    let metadata: [(key: String, value: GGUFWriter.Value)] = [
      ("tokenizer.ggml.model", .string("llama")),
      ("tokenizer.ggml.tokens", .strings(all.map(\.text))),
      ("tokenizer.ggml.token_type", .int32s(all.map(\.type))),
      ("tokenizer.ggml.scores", .float32s(all.map(\.score))),
    ]
    let writer = GGUFWriter(metadata: metadata + more)
    return try Tokenizer(
      metadata: GGUFFile(bytes: writer.bytes(), name: "test.gguf").metadata)
  }

  private func texts(_ tokenizer: Tokenizer, _ tokens: [TokenID]) -> [String] {
    tokens.map { String(decoding: tokenizer.rawText(of: $0), as: UTF8.self) }
  }

  @Test func `SentencePiece's defaults hold where the file is silent`() throws {
    let tokenizer = try sentencePiece([("▁a", 1, -1), ("▁", 1, -2), ("a", 1, -3)])
    #expect(tokenizer.bos == 1 && tokenizer.eos == 2 && tokenizer.unknown == 0)
    #expect(tokenizer.padding == nil)
    #expect(tokenizer.addsBOS && !tokenizer.addsEOS && tokenizer.addsSpacePrefix)
    #expect(texts(tokenizer, tokenizer.encode("aa")) == ["<s>", "▁a", "a"])
    #expect(texts(tokenizer, tokenizer.encode("\n")) == ["<s>", "▁", "<0x0A>"])
  }

  @Test func `no space is put before the text where the file forbids it`() throws {
    let tokenizer = try sentencePiece(
      [("▁a", 1, -1), ("▁", 1, -2), ("a", 1, -3)],
      [("tokenizer.ggml.add_space_prefix", .bool(false))])
    #expect(texts(tokenizer, tokenizer.encode("a a")) == ["<s>", "a", "▁a"])
    #expect(tokenizer.decode(tokenizer.encode(" a")) == Array(" a".utf8))
  }

  @Test func `a space comes again after a special token`() throws {
    let tokenizer = try sentencePiece([("▁a", 1, -1), ("a", 1, -3), ("<|user|>", 3, 0)])
    let tokens = tokenizer.encode("a<|user|>a", parseSpecial: true)
    #expect(texts(tokenizer, tokens) == ["<s>", "▁a", "<|user|>", "▁a"])
  }

  @Test func `user-defined tokens are found always, the longest at each place`() throws {
    let tokenizer = try sentencePiece([
      ("▁", 1, -1), ("ab", 4, 0), ("abc", 4, 0), ("<0x41>x", 4, 0), ("b", 1, -2), ("c", 1, -2),
    ])
    #expect(
      texts(tokenizer, tokenizer.encode("abcabb", addSpecial: false))
        == ["abc", "ab", "▁", "b"])
    #expect(tokenizer.decode(tokenizer.encode("abcabb")) == Array("abcab b".utf8))
  }

  @Test func `Phi-3's special tokens swallow the white space behind them`() throws {
    let tokens: [(text: String, type: Int32, score: Float)] = [
      ("▁a", 1, -1), ("▁", 1, -2), ("a", 1, -3), ("<|user|>", 3, 0), ("<|end|>", 4, 0),
    ]
    let phi = try sentencePiece(tokens, [("general.name", .string("Phi-3 Mini"))])
    let other = try sentencePiece(tokens)
    func encode(_ tokenizer: Tokenizer) -> [String] {
      texts(tokenizer, tokenizer.encode("<|user|>\n a<|end|>\n", parseSpecial: true))
    }
    #expect(encode(phi) == ["<s>", "<|user|>", "▁a", "<|end|>"])
    #expect(encode(other) == ["<s>", "<|user|>", "▁", "<0x0A>", "▁a", "<|end|>", "▁", "<0x0A>"])
  }

  @Test func `end markers count as control tokens whatever the file calls them`() throws {
    let tokenizer = try sentencePiece([
      ("<|end|>", 4, 0), ("<end_of_turn>", 1, 0), ("<eos>", 1, 0), ("[EOS]", 3, 0), ("▁", 1, 0),
    ])
    let first: TokenID = 259
    #expect(tokenizer.endTokens == [2, first, first + 1, first + 3])
    #expect(tokenizer.isControl(first) && tokenizer.isControl(first + 1))
    #expect(!tokenizer.isControl(first + 2), "text may well be spelled so")
    #expect(tokenizer.endOfTurn == first)
  }

  @Test func `tokens may have spaces inside`() throws {
    let tokens: [(text: String, type: Int32, score: Float)] = [
      ("▁", 1, -2), ("a", 1, -3), ("▁a", 1, -1), ("a▁", 1, 0), ("▁a▁", 1, 1),
    ]
    let tokenizer = try sentencePiece(tokens)
    #expect(
      texts(tokenizer, tokenizer.encode("a a  a", addSpecial: false)) == ["▁a▁", "a▁", "▁a"])
    let without = try sentencePiece(Array(tokens.prefix(3)))
    #expect(
      texts(without, without.encode("a a  a", addSpecial: false)) == ["▁a", "▁a", "▁", "▁a"])
  }

  @Test func `the best score wins, and the first place among equals`() throws {
    let tokenizer = try sentencePiece(
      [
        ("a", 1, 0), ("b", 1, 0), ("c", 1, 0), ("ab", 1, -5), ("bc", 1, -0.5), ("aa", 1, 2),
      ], [("tokenizer.ggml.add_space_prefix", .bool(false))])
    #expect(texts(tokenizer, tokenizer.encode("abc", addSpecial: false)) == ["a", "bc"])
    #expect(texts(tokenizer, tokenizer.encode("aaa", addSpecial: false)) == ["aa", "a"])
    #expect(texts(tokenizer, tokenizer.encode("aab", addSpecial: false)) == ["aa", "b"])
  }
}
