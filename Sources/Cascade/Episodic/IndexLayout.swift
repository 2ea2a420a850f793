internal import CKernels
package import Model

/// What an index keeps of each block, and how a query is held against it.
package struct IndexLayout: Sendable, Equatable {
  package let layers: Int
  package let heads: Int
  package let kvHeads: Int
  package let headDimension: Int
  package let scorer: RecallOptions.Scorer
  /// Vectors kept for each block, layer and key-value head.
  package let vectors: Int

  /// Keys that stand for a block, by the `representatives` scorer.
  package static let representatives = 4

  package init(shape: Hyperparameters, blockLength: Int, scorer: RecallOptions.Scorer) {
    layers = shape.layers
    heads = shape.heads
    kvHeads = shape.kvHeads
    headDimension = shape.headDimension
    self.scorer = scorer
    vectors = Self.vectors(by: scorer, blockLength: blockLength)
  }

  /// Vectors that a scorer keeps for each block, layer and key-value head.
  static func vectors(by scorer: RecallOptions.Scorer, blockLength: Int) -> Int {
    switch scorer {
    case .mean: 1
    case .representatives: representatives
    case .bounds: 2
    case .exact: blockLength
    }
  }

  /// Numbers that the index keeps of a block, one layer.
  package var layerCount: Int { vectors * kvHeads * headDimension }
  /// Bytes that the index keeps of a block, all layers.
  package var blockByteCount: Int { layers * layerCount * MemoryLayout<UInt16>.size }

  var kernelLayout: spark_index_layout {
    spark_index_layout(
      vectors: Int32(vectors), heads: Int32(heads), kv_heads: Int32(kvHeads),
      d: Int32(headDimension), bounds: scorer == .bounds)
  }
}
