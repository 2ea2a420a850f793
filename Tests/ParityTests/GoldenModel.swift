import Foundation
import Model
import Testing

/// A golden model and llama.cpp's answers; see Fixtures/golden/README.md.
struct GoldenModel: CustomTestStringConvertible {
  struct Answers: Decodable {
    let prompt: String
    let promptTokens: [TokenID]
    let greedyTokens: [TokenID]
    let smallestGap: Float
  }

  static let firstEntry = 7
  static let entryStride = 16

  static let names = [
    "llama-gqa", "llama-untied-linear", "llama3-rope", "llama-yarn", "qwen2", "qwen3", "llama-q",
  ]

  let name: String
  let answers: Answers
  let promptLogits: [[Float]]
  let greedyLogits: [[Float]]
  var testDescription: String { name }

  init(_ name: String) throws {
    self.name = name
    answers = try JSONDecoder().decode(
      Answers.self, from: Data(contentsOf: Self.url(name + ".json")))
    let vocabulary = 4096
    let width = (vocabulary - Self.firstEntry + Self.entryStride - 1) / Self.entryStride
    promptLogits = try Self.rows(name + ".prompt.f32", width: width)
    greedyLogits = try Self.rows(name + ".greedy.f32", width: width)
  }

  var path: String { Self.url(name + ".gguf").path }

  static func url(_ file: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/golden/\(file)")
  }

  private static func rows(_ file: String, width: Int) throws -> [[Float]] {
    let data = try Data(contentsOf: url(file))
    let floats = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    return stride(from: 0, to: floats.count, by: width).map { Array(floats[$0..<$0 + width]) }
  }

  /// The largest difference between a full row of logits and the stored entries of another.
  static func worstDifference(_ logits: [Float], _ stored: [Float]) -> Float {
    var worst: Float = 0
    for (index, value) in stored.enumerated() {
      let difference = abs(logits[firstEntry + index * entryStride] - value)
      worst = difference.isNaN ? .infinity : max(worst, difference)
    }
    return worst
  }
}
