/// What a module reads of memory and computes each time that it is called, per layer.
///
/// Bytes are those that have to come from memory or go there: weights once a call, however many rows they are
/// multiplied with, and keys and values. What a step hands from one module to the next stays in caches, and is not
/// counted. Operations are those of matrix products, a multiplication and an addition being two.
struct ModuleWork {
  var bytesPerCall = 0
  var bytesPerRow = 0
  var operationsPerRow = 0

  init() {}

  init(_ matrices: Linear...) {
    for matrix in matrices {
      bytesPerCall += matrix.byteCount
      operationsPerRow += 2 * matrix.rows * matrix.columns
    }
  }

  init(vectors: Int, of width: Int) {
    bytesPerCall = vectors * width * MemoryLayout<Float>.size
  }

  /// What `module` does in a layer; nil stands for what is done once a pass.
  init(
    _ module: ProfileModule, of layer: LayerWeights?, in model: LanguageModel, _ layout: KVLayout
  ) {
    self.init()
    let width = model.shape.width
    guard let layer else {
      switch module {
      case .embedding: bytesPerRow = model.embeddingRowByteCount
      case .norm: self.init(vectors: 1, of: width)
      case .head: self.init(model.output)
      default: break
      }
      return
    }
    switch module {
    // Two a layer, and each is a call.
    case .norm: self.init(vectors: 1, of: width)
    case .queryKeyValue: self.init(layer.query, layer.key, layer.value)
    case .keyValueStore: bytesPerRow = layout.layerByteCount / layout.blockLength
    case .attentionOutput: self.init(layer.attentionOutput)
    case .gateUp: self.init(layer.gate, layer.up)
    case .down: self.init(layer.down)
    default: break
    }
  }
}

extension ProfileModule {
  /// Whether a model's products in this module are of bytes; nil where there are none.
  func isOfIntegers(in model: LanguageModel) -> Bool? {
    let layer = model.layers[0]
    switch self {
    case .queryKeyValue: return layer.query.type.isQuantized
    case .attention: return false
    case .attentionOutput: return layer.attentionOutput.type.isQuantized
    case .gateUp: return layer.gate.type.isQuantized
    case .down: return layer.down.type.isQuantized
    case .head: return model.output.type.isQuantized
    default: return nil
    }
  }
}
