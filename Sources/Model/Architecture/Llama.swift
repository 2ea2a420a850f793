/// Llama 1-3 (Touvron et al. 2023, arXiv:2302.13971; Dubey et al. 2024, arXiv:2407.21783) and what
/// shares its graph: Mistral, TinyLlama, SmolLM, and the embedded model.
///
/// Pre-normalized attention and SwiGLU feed-forward around a residual stream x:
///
///     x ← x + Wo · attention(RoPE(Wq h), RoPE(Wk h), Wv h),   h = RMSNorm(x)
///     x ← x + Wdown · (silu(Wgate h) ⊙ Wup h),                h = RMSNorm(x)
package enum Llama: Architecture {
  package static let name = "llama"
  package static let interleavesRoPE = true

  package static func weights(
    layer index: Int, _ shape: Hyperparameters, _ loader: inout WeightLoader
  ) throws(ModelError) -> LayerWeights {
    try commonWeights(layer: index, shape, &loader)
  }

  package static func project(_ layer: LayerWeights, _ pass: ForwardPass) {
    unsafe pass.normalize(layer.attentionNorm, quantized: layer.attentionReadsBytes)
    pass.projectAttention(layer)
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
