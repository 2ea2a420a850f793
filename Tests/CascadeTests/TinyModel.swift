import Model
import TestSupport

/// A model of one layer, small enough to load hundreds of times, and shapes made from it.
struct TinyModel {
  var block: UInt32 = 1
  var ropeBase: Float = 10000
  var vocabulary = 24
  /// A tensor one of whose bytes is changed, and which one.
  var changed: (tensor: String, byte: Int)?

  func writer() -> GGUFWriter {
    var random = SeededGenerator(seed: 5)
    let (width, feedForward) = (32, 64)
    func tensor(_ name: String, _ shape: [Int]) -> GGUFWriter.Tensor {
      var data = random.floats(shape.reduce(1, *), in: -0.3...0.3).flatMap { number in
        withUnsafeBytes(of: number) { Array($0) }
      }
      if let changed, changed.tensor == name { data[changed.byte] ^= 1 }
      return GGUFWriter.Tensor(name: name, shape: shape.map(UInt64.init), type: 0, data: data)
    }
    return GGUFWriter(
      metadata: [
        ("general.architecture", .string("llama")), ("llama.block_count", .uint32(block)),
        ("llama.context_length", .uint32(4096)), ("llama.embedding_length", .uint32(32)),
        ("llama.feed_forward_length", .uint32(64)), ("llama.attention.head_count", .uint32(4)),
        ("llama.attention.head_count_kv", .uint32(2)),
        ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
        ("llama.rope.freq_base", .float32(ropeBase)), ("llama.rope.dimension_count", .uint32(8)),
      ],
      tensors: [
        tensor("output_norm.weight", [width]), tensor("blk.0.attn_norm.weight", [width]),
        tensor("blk.0.ffn_norm.weight", [width]), tensor("blk.0.attn_q.weight", [width, width]),
        tensor("blk.0.attn_k.weight", [width, width / 2]),
        tensor("blk.0.attn_v.weight", [width, width / 2]),
        tensor("blk.0.attn_output.weight", [width, width]),
        tensor("blk.0.ffn_gate.weight", [width, feedForward]),
        tensor("blk.0.ffn_up.weight", [width, feedForward]),
        tensor("blk.0.ffn_down.weight", [feedForward, width]),
        tensor("token_embd.weight", [width, vocabulary]),
      ])
  }

  func load() throws -> LanguageModel {
    try LanguageModel(
      file: GGUFFile(bytes: writer().bytes(), name: "tiny"), compute: Compute(threads: 1))
  }

  func shape() throws -> Hyperparameters {
    try Hyperparameters(
      file: GGUFFile(bytes: writer().bytes(), name: "tiny"), architecture: "llama")
  }

  /// The shape of a model with these numbers for attention, the rest being the tiny one's.
  static func shape(
    layers: Int, heads: Int, kvHeads: Int, headDimension: Int
  ) throws -> Hyperparameters {
    var shape = try TinyModel().shape()
    shape.layers = layers
    shape.heads = heads
    shape.kvHeads = kvHeads
    shape.headDimension = headDimension
    return shape
  }
}

extension SeededGenerator {
  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -2...2) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }

  /// A random count, each of `range` equally likely.
  mutating func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  mutating func tokens(_ count: Int, below vocabulary: Int) -> [TokenID] {
    (0..<count).map { _ in TokenID(Int.random(in: 0..<vocabulary, using: &self)) }
  }
}
