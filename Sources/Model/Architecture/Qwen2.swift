/// Qwen 2 and 2.5 (Yang et al. 2024, arXiv:2407.10671): Llama's graph with biases on the query, key
/// and value projections and RoPE over halves.
package enum Qwen2: Architecture {
  package static let name = "qwen2"
  package static let interleavesRoPE = false

  package static func weights(
    layer index: Int, _ shape: Hyperparameters, _ loader: inout WeightLoader
  ) throws(ModelError) -> LayerWeights {
    for part in ["q", "k", "v"] {
      try loader.require("blk.\(index).attn_\(part).bias", because: "Qwen 2 adds biases there")
    }
    return try commonWeights(layer: index, shape, &loader)
  }

  package static func project(_ layer: LayerWeights, _ pass: ForwardPass) {
    Llama.project(layer, pass)
  }

  package static func forward(_ layer: LayerWeights, index: Int, _ pass: ForwardPass) {
    Llama.forward(layer, index: index, pass)
  }
}
