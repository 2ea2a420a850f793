import Model
import TestSupport

/// The vocabularies in `Fixtures/tokenizers`, each loaded once: llama.cpp's own, with its test
/// cases.
enum TokenizerFixture: String, CaseIterable, Sendable {
  case llamaBPE = "llama-bpe"
  case qwen2
  case gpt2 = "gpt-2"
  case starcoder
  case deepSeekCoder = "deepseek-coder"
  case llamaSPM = "llama-spm"

  static let bytePair = allCases.filter { $0 != .llamaSPM }

  private static let loaded: [TokenizerFixture: Tokenizer] = {
    do {
      return try Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, try Tokenizer(metadata: $0.file().metadata)) })
    } catch {
      fatalError("the fixtures cannot be read: \(error)")
    }
  }()

  var tokenizer: Tokenizer { Self.loaded[self]! }

  func file() throws -> GGUFFile {
    let path = "tokenizers/\(rawValue).gguf.zst"
    return try GGUFFile(
      bytes: Fixture.bytes(path, testFile: Self.testFile), name: path)
  }

  /// Texts with the tokens that llama.cpp finds in them, without special ones.
  func cases() throws -> [(text: [UInt8], tokens: [TokenID])] {
    let separator = Array("\n__ggml_vocab_test__\n".utf8)
    let texts = Self.split(
      try Fixture.bytes("tokenizers/cases.inp", testFile: Self.testFile), by: separator)
    let lines = try Fixture.text("tokenizers/\(rawValue).out", testFile: Self.testFile)
      .split(separator: "\n", omittingEmptySubsequences: false).prefix(texts.count)
    return zip(texts, lines).map { text, line in
      (text, line.split(separator: " ").map { TokenID($0)! })
    }
  }

  /// Fixtures stand beside the folder's parent.
  static let testFile: String = {
    let path = #filePath
    return path.replacing("/Tokenizer/TokenizerFixture.swift", with: "/TokenizerFixtures.swift")
  }()

  private static func split(_ bytes: [UInt8], by separator: [UInt8]) -> [[UInt8]] {
    var parts: [[UInt8]] = [[]]
    var i = 0
    while i < bytes.count {
      if bytes[i...].starts(with: separator) {
        parts.append([])
        i += separator.count
      } else {
        parts[parts.count - 1].append(bytes[i])
        i += 1
      }
    }
    return parts
  }
}
