import Cascade
import Model
import TestSupport
import Testing

/// Models whose numbers lie are refused, or run within what the file holds; they never crash.
@Suite struct DamagedModelTests {
  /// A whole model of one layer, small enough to load thousands of times.
  private static func tinyModel(_ generator: inout SeededGenerator) -> [UInt8] {
    let (width, vocabulary, feedForward) = (32, 24, 64)
    func floats(_ count: Int) -> [UInt8] {
      (0..<count).flatMap { _ in
        withUnsafeBytes(of: Float.random(in: -0.3...0.3, using: &generator)) { Array($0) }
      }
    }
    func tensor(_ name: String, _ shape: [Int]) -> GGUFWriter.Tensor {
      GGUFWriter.Tensor(
        name: name, shape: shape.map(UInt64.init), type: 0, data: floats(shape.reduce(1, *)))
    }
    return GGUFWriter(
      metadata: [
        ("general.architecture", .string("llama")), ("llama.block_count", .uint32(1)),
        ("llama.context_length", .uint32(64)), ("llama.embedding_length", .uint32(32)),
        ("llama.feed_forward_length", .uint32(64)), ("llama.attention.head_count", .uint32(4)),
        ("llama.attention.head_count_kv", .uint32(2)),
        ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
        ("llama.rope.freq_base", .float32(10000)), ("llama.rope.dimension_count", .uint32(8)),
      ],
      tensors: [
        tensor("token_embd.weight", [width, vocabulary]), tensor("output_norm.weight", [width]),
        tensor("output.weight", [width, vocabulary]),
        tensor("blk.0.attn_norm.weight", [width]), tensor("blk.0.ffn_norm.weight", [width]),
        tensor("blk.0.attn_q.weight", [width, width]),
        tensor("blk.0.attn_k.weight", [width, width / 2]),
        tensor("blk.0.attn_v.weight", [width, width / 2]),
        tensor("blk.0.attn_output.weight", [width, width]),
        tensor("blk.0.ffn_gate.weight", [width, feedForward]),
        tensor("blk.0.ffn_up.weight", [width, feedForward]),
        tensor("blk.0.ffn_down.weight", [feedForward, width]),
      ]
    ).bytes()
  }

  @Test("6,000 models with damaged headers are refused or run")
  func mutations() throws {
    let seed: UInt64 = 0x5EED_0002
    var generator = SeededGenerator(seed: seed)
    let original = Self.tinyModel(&generator)
    let compute = try Compute(threads: 1)
    func run(_ bytes: [UInt8]) throws {
      let file = try GGUFFile(bytes: bytes, name: "damaged")
      _ = try ModelDescription(file: file)
      let model = try LanguageModel(file: file, compute: compute)
      let last = TokenID(model.shape.vocabularySize - 1)
      _ = try Runner(model, compute, capacity: 32, maxRows: 4).logits([0, last, 0], chunk: 2)
    }
    try run(original)
    var runs = 0
    for _ in 0..<6_000 {
      var bytes = original
      // The header is what is believed; weights may be any numbers.
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let at = Int.random(in: 8..<1_400, using: &generator)
        bytes[at] =
          Bool.random(using: &generator)
          ? bytes[at] ^ (1 << UInt8.random(in: 0..<8, using: &generator))
          : UInt8.random(in: 0...9, using: &generator)
      }
      if (try? run(bytes)) != nil { runs += 1 }
    }
    // A test in which nothing, or everything, ran would prove nothing.
    #expect((30..<5_900).contains(runs), "seed \(seed): \(runs) ran")
  }

  @Test("an embedding table of another width, and heads of one dimension, are refused")
  func shapes() throws {
    var generator = SeededGenerator(seed: 1)
    let original = Self.tinyModel(&generator)
    func patched(_ name: String, skip: Int, _ value: UInt8) -> [UInt8] {
      var bytes = original
      let text = Array(name.utf8)
      let at = bytes.indices.first { bytes[$0...].starts(with: text) }!
      bytes[at + text.count + skip] = value
      return bytes
    }
    // After a tensor's name: four bytes of dimension count, then the first dimension.
    for bytes in [
      patched("token_embd.weight", skip: 4, 1),
      // After a key: four bytes of type, then the value. 32 heads of one dimension.
      patched("llama.attention.head_count", skip: 4, 32),
    ] {
      #expect(throws: ModelError.self) {
        _ = try ModelDescription(file: GGUFFile(bytes: bytes, name: "damaged"))
      }
    }
  }
}
