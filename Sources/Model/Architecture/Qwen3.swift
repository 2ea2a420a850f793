/// Qwen 3, dense (Yang et al. 2025, arXiv:2505.09388): Qwen 2 without biases, with RMS norms over
/// each query and key head before RoPE, and a head size of its own.
package enum Qwen3: Architecture {
  package static let name = "qwen3"
  package static let interleavesRoPE = false

  package static func weights(
    layer index: Int, _ shape: Hyperparameters, _ loader: inout WeightLoader
  ) throws(ModelError) -> LayerWeights {
    var layer = try commonWeights(layer: index, shape, &loader)
    unsafe layer.queryNorm = try loader.vector(
      "blk.\(index).attn_q_norm.weight", count: shape.headDimension)
    unsafe layer.keyNorm = try loader.vector(
      "blk.\(index).attn_k_norm.weight", count: shape.headDimension)
    return layer
  }

  package static func project(_ layer: LayerWeights, _ pass: ForwardPass) {
    unsafe pass.normalize(layer.attentionNorm, quantized: layer.attentionReadsBytes)
    pass.projectAttention(layer)
    if let queryNorm = unsafe layer.queryNorm, let keyNorm = unsafe layer.keyNorm {
      unsafe pass.normalizeHeads(query: queryNorm, key: keyNorm)
    }
  }

  package static func forward(_ layer: LayerWeights, index: Int, _ pass: ForwardPass) {
    project(layer, pass)
    pass.attend(layer: index, quantized: layer.attentionOutput.type.isQuantized)
    pass.addAttention(layer.attentionOutput)

    unsafe pass.normalize(layer.feedForwardNorm, quantized: layer.feedForwardReadsBytes)
    pass.swiGLU(gate: layer.gate, up: layer.up, quantized: layer.down.type.isQuantized)
    pass.addFeedForward(layer.down)
  }
}
