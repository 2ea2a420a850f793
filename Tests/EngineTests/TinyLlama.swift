import Foundation
import TestSupport

/// A model of one layer whose vocabulary is so small that all texts of a few tokens can be looked at.
struct TinyLlama {
  static let pieces = ["<unk>", "<s>", "</s>", "a", "b", "c"]
  /// The token that ends a text.
  static let end: Int32 = 2

  /// Writes it to a file, for as long as `body` runs.
  ///
  /// - Parameter certainty: how far its scores are apart.
  static func withFile<R>(
    seed: UInt64, certainty: Float = 1, _ body: (String) async throws -> R
  ) async throws -> R {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "spark-tiny-\(UInt64.random(in: .min ... .max)).gguf").path
    try Data(writer(seed: seed, certainty: certainty).bytes()).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
  }

  private static func writer(seed: UInt64, certainty: Float) -> GGUFWriter {
    var random = SeededGenerator(seed: seed)
    let (width, feedForward) = (32, 64)
    func tensor(_ name: String, _ shape: [Int], spread: Float = 0.3) -> GGUFWriter.Tensor {
      let data = (0..<shape.reduce(1, *)).flatMap { _ in
        withUnsafeBytes(of: Float.random(in: -spread...spread, using: &random)) { Array($0) }
      }
      return GGUFWriter.Tensor(name: name, shape: shape.map(UInt64.init), type: 0, data: data)
    }
    return GGUFWriter(
      metadata: [
        ("general.architecture", .string("llama")), ("llama.block_count", .uint32(1)),
        ("llama.context_length", .uint32(128)), ("llama.embedding_length", .uint32(32)),
        ("llama.feed_forward_length", .uint32(64)), ("llama.attention.head_count", .uint32(4)),
        ("llama.attention.head_count_kv", .uint32(2)),
        ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
        ("llama.rope.freq_base", .float32(10000)), ("llama.rope.dimension_count", .uint32(8)),
        ("tokenizer.ggml.model", .string("llama")),
        ("tokenizer.ggml.tokens", .strings(pieces)),
        ("tokenizer.ggml.token_type", .int32s([2, 3, 3, 1, 1, 1])),
        ("tokenizer.ggml.scores", .float32s([0, 0, 0, -1, -2, -3])),
        ("tokenizer.ggml.bos_token_id", .uint32(1)), ("tokenizer.ggml.eos_token_id", .uint32(2)),
      ],
      tensors: [
        tensor("output_norm.weight", [width], spread: 1),
        tensor("blk.0.attn_norm.weight", [width], spread: 1),
        tensor("blk.0.ffn_norm.weight", [width], spread: 1),
        tensor("blk.0.attn_q.weight", [width, width]),
        tensor("blk.0.attn_k.weight", [width, width / 2]),
        tensor("blk.0.attn_v.weight", [width, width / 2]),
        tensor("blk.0.attn_output.weight", [width, width]),
        tensor("blk.0.ffn_gate.weight", [width, feedForward]),
        tensor("blk.0.ffn_up.weight", [width, feedForward]),
        tensor("blk.0.ffn_down.weight", [feedForward, width]),
        tensor("token_embd.weight", [width, pieces.count], spread: certainty),
      ])
  }
}
