/// What a model asks of a machine: the least that any engine has to read and compute.
///
/// Norms, RoPE and sampling are left out; they are thousandths of it.
package struct ModelDemand: Sendable {
  /// Bytes of the weights in the file that each token needs: all but the embedding table, of which it needs a
  /// row, unless it is the output matrix too.
  package let weightBytes: Int
  /// Whether most of these bytes are of types that are multiplied as bytes.
  package let isQuantized: Bool

  /// Weights of all layers' matrices, and of the output matrix.
  private let layerWeights: Int
  private let outputWeights: Int
  private let shape: Hyperparameters

  package init(file: GGUFFile) throws(ModelError) {
    let architecture = try ModelDescription.architecture(of: file)
    shape = try Hyperparameters(file: file, architecture: architecture.name)
    let layers = file.tensors.filter { $0.name.hasPrefix("blk.") }
    let output =
      file.tensor(named: "output.weight") ?? file.tensor(named: "token_embd.weight")!  // it has one
    layerWeights = layers.reduce(0) { $0 + ($1.shape.count > 1 ? $1.elementCount : 0) }
    outputWeights = output.elementCount
    let read = layers + [output]
    weightBytes = read.reduce(0) { $0 + $1.byteCount }
    isQuantized =
      2 * read.reduce(0) { $0 + ($1.type.isQuantized ? $1.byteCount : 0) } > weightBytes
  }

  /// Operations of reading `count` tokens behind `depth` others, a multiplication and an addition being two; the
  /// last token's logits are computed, no others.
  ///
  /// - Parameter visible: the most tokens that attention sees.
  package func operations(prefilling count: Int, behind depth: Int, visible: Int) -> Double {
    let products = 2 * (Double(layerWeights) * Double(count) + Double(outputWeights))
    // Scores and sums of values: four operations for each channel of each head.
    let channels = Double(4 * shape.layers * shape.heads * shape.headDimension)
    return products + channels * seen(count, depth, visible)
  }

  /// Bytes of weights, keys and values that are read to decode `count` tokens behind `depth` others.
  package func bytes(
    decoding count: Int, behind depth: Int, visible: Int, type: KeyValueType
  ) -> Double {
    let token = Double(2 * shape.layers * shape.kvHeads * shape.headDimension * type.byteCount)
    return Double(weightBytes) * Double(count) + token * seen(count, depth, visible)
  }

  /// Tokens that `count` tokens behind `depth` others see together, each itself too.
  private func seen(_ count: Int, _ depth: Int, _ visible: Int) -> Double {
    // Those that see fewer than the most, one more each; then those that see the most.
    let growing = min(count, max(0, visible - depth))
    let sum = Double(growing) * (Double(depth) + Double(growing + 1) / 2)
    return sum + Double(count - growing) * Double(visible)
  }
}
