import Model
import TestSupport
import Testing

/// Files that are wrong, damaged or incomplete.
struct TokenizerLoadingTests {
  private typealias Pairs = [(key: String, value: GGUFWriter.Value)]

  /// The 256 characters of bytes, then some tokens, one of them made by no merge.
  private static let bytePair: Pairs = {
    let printable = (0x21...0x7E).map { String(Unicode.Scalar(UInt8($0))) }
    let tokens = printable + ["Ġ", "Ċ", "th", "the", "Ġthe", "hat", "<|endoftext|>", "", "th"]
    var types = [Int32](repeating: 1, count: tokens.count)
    types[tokens.count - 3] = 3
    return [
      ("tokenizer.ggml.model", .string("gpt2")),
      ("tokenizer.ggml.pre", .string("llama-bpe")),
      ("tokenizer.ggml.tokens", .strings(tokens)),
      ("tokenizer.ggml.token_type", .int32s(types)),
      ("tokenizer.ggml.merges", .strings(["t h", "th e", "Ġ the", "q q", "t h"])),
      ("tokenizer.ggml.eos_token_id", .uint32(UInt32(tokens.count - 3))),
    ]
  }()

  private func load(_ metadata: Pairs) throws -> Tokenizer {
    try Tokenizer(
      metadata: GGUFFile(bytes: GGUFWriter(metadata: metadata).bytes(), name: "test.gguf").metadata)
  }

  private func replacing(_ key: String, with value: GGUFWriter.Value?) -> Pairs {
    let rest = Self.bytePair.filter { $0.key != "tokenizer.ggml.\(key)" }
    return rest + (value.map { [("tokenizer.ggml.\(key)", $0)] } ?? [])
  }

  private func message(_ metadata: Pairs) -> String {
    do {
      _ = try load(metadata)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private func texts(_ tokenizer: Tokenizer, _ text: String) -> [String] {
    tokenizer.encode(text).map { String(decoding: tokenizer.rawText(of: $0), as: UTF8.self) }
  }

  @Test func `a small byte-level vocabulary works`() throws {
    let tokenizer = try load(Self.bytePair)
    #expect(texts(tokenizer, "the theth") == ["the", "Ġthe", "th"])
    #expect(!tokenizer.addsBOS, "it wants one but has none")
    #expect(tokenizer.token(forText: "th") == 96, "the first of two")
    #expect(tokenizer.token(forText: "") == nil)
  }

  @Test func `a piece that is a token is taken whole where merges are ignored`() throws {
    #expect(texts(try load(Self.bytePair), "hat") == ["hat"])
    let merging = try load(replacing("pre", with: .string("gpt-2")))
    #expect(texts(merging, "hat") == ["h", "a", "t"])
  }

  @Test func `bytes that the vocabulary lacks become unknown or nothing`() throws {
    #expect(texts(try load(Self.bytePair), "a\tb") == ["a", "b"])
    let tokenizer = try load(Self.bytePair + [("tokenizer.ggml.unknown_token_id", .uint32(5))])
    #expect(texts(tokenizer, "a\tb") == ["a", "&", "b"])
  }

  @Test func `ids outside the vocabulary count as missing`() throws {
    let tokenizer = try load(
      replacing("eos_token_id", with: .uint32(.max))
        + [("tokenizer.ggml.bos_token_id", .int64(-1))])
    #expect(tokenizer.eos == nil && tokenizer.bos == nil)
    #expect(tokenizer.endTokens == [100], "found by its spelling")
  }

  @Test func `what cannot be used is refused with a reason`() {
    #expect(message([]).contains("tokenizer.ggml.model is missing"))
    #expect(message(replacing("model", with: .string("t5"))).contains("'t5'"))
    #expect(message(replacing("pre", with: .string("klingon"))).contains("'klingon'"))
    #expect(message(replacing("tokens", with: nil)).contains("no vocabulary"))
    #expect(message(replacing("tokens", with: .strings([]))).contains("no vocabulary"))
    #expect(message(replacing("merges", with: nil)).contains("without merges"))
    #expect(
      message(replacing("merges", with: .strings(["t h", "the"]))).contains("merge 1"))
    #expect(
      message(replacing("token_type", with: .int32s([1, 1]))).contains("2 token types"))
    #expect(message(replacing("model", with: .string("llama"))).contains("scores"))
    #expect(
      message(Self.bytePair + [("tokenizer.ggml.add_bos_token", .bool(true))])
        .contains("add_bos_token is true"))
  }

  @Test func `a missing pre-tokenizer means the default one`() throws {
    let tokenizer = try load(replacing("pre", with: nil))
    #expect(texts(tokenizer, "the 1234") == ["the", "Ġ", "1", "2", "3", "4"])
  }

  @Test func `5,000 damaged files give a tokenizer that works or an error`() {
    let seed: UInt64 = 0x5EED_0008
    var generator = SeededGenerator(seed: seed)
    let original = GGUFWriter(metadata: Self.bytePair).bytes()
    var loadedCount = 0
    for round in 0..<5000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[.random(in: 24..<bytes.count, using: &generator)] = .random(
          in: 0...255, using: &generator)
      }
      guard let file = try? GGUFFile(bytes: bytes, name: "damaged"),
        let tokenizer = try? Tokenizer(metadata: file.metadata)
      else { continue }
      loadedCount += 1
      let text = RandomText.bytes(atMost: 40, using: &generator)
      let tokens = tokenizer.encode(text, parseSpecial: true)
      let all = TokenID(0)..<TokenID(tokenizer.vocabularySize)
      #expect(tokens.allSatisfy(all.contains), "seed \(seed), round \(round)")
      _ = tokenizer.decode(all, includingSpecial: true)
    }
    #expect((100..<4900).contains(loadedCount), "seed \(seed): \(loadedCount) were loaded")
  }
}
