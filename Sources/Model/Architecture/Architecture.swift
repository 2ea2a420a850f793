/// A family of models: how its GGUF keys and tensors are called, and what one layer computes.
///
/// A new family is one file with one conforming type, and one line in `architectures`.
package protocol Architecture: Sendable {
  /// The value of `general.architecture`.
  static var name: String { get }
  /// Whether RoPE rotates neighbouring dimensions (2i, 2i + 1); else halves (i, i + rotary / 2).
  static var interleavesRoPE: Bool { get }

  /// The weights of layer `index`.
  static func weights(
    layer index: Int, _ shape: Hyperparameters, _ loader: inout WeightLoader
  ) throws(ModelError) -> LayerWeights

  /// A layer's queries, keys and values of the stream, before RoPE.
  static func project(_ layer: LayerWeights, _ pass: ForwardPass)

  /// One layer of the residual stream.
  static func forward(_ layer: LayerWeights, index: Int, _ pass: ForwardPass)
}

/// Every family that can be run.
package let architectures: [any Architecture.Type] = [Llama.self, Qwen2.self, Qwen3.self]

extension Architecture {
  /// The tensors that all supported families share, under their GGUF names.
  static func commonWeights(
    layer index: Int, _ shape: Hyperparameters, _ loader: inout WeightLoader
  ) throws(ModelError) -> LayerWeights {
    let prefix = "blk.\(index)."
    let queryWidth = shape.heads * shape.headDimension
    let kvWidth = shape.kvHeads * shape.headDimension
    return unsafe LayerWeights(
      attentionNorm: try loader.vector(prefix + "attn_norm.weight", count: shape.width),
      query: try loader.linear(prefix + "attn_q", rows: queryWidth, columns: shape.width),
      key: try loader.linear(prefix + "attn_k", rows: kvWidth, columns: shape.width),
      value: try loader.linear(prefix + "attn_v", rows: kvWidth, columns: shape.width),
      queryNorm: nil, keyNorm: nil,
      attentionOutput: try loader.linear(
        prefix + "attn_output", rows: shape.width, columns: queryWidth),
      feedForwardNorm: try loader.vector(prefix + "ffn_norm.weight", count: shape.width),
      gate: try loader.linear(prefix + "ffn_gate", rows: shape.feedForward, columns: shape.width),
      up: try loader.linear(prefix + "ffn_up", rows: shape.feedForward, columns: shape.width),
      down: try loader.linear(prefix + "ffn_down", rows: shape.width, columns: shape.feedForward))
  }
}
