package import CKernels

/// A packed weight matrix of `rows` output and `columns` input features, with an optional bias.
/// The pointers live as long as the weights they came from.
@safe
package struct Linear {
  package let panels: UnsafePointer<UInt8>
  package let panelByteCount: Int
  package let type: TensorType
  package let rows: Int
  package let columns: Int
  package let bias: UnsafePointer<Float>?

  /// Bytes of the packed matrix.
  package var byteCount: Int { (rows + SPARK_PANEL_ROWS - 1) / SPARK_PANEL_ROWS * panelByteCount }

  /// A step's order to multiply: `out` is [m][stride].
  package func product(
    into out: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool = false
  ) -> spark_product {
    unsafe spark_product(
      panels: panels, panel_bytes: panelByteCount, type: type.kernelType, rows: rows, bias: bias,
      accumulate: accumulate, out: out, stride: stride)
  }
}

extension TensorType {
  package var kernelType: spark_type { spark_type(rawValue: rawValue) }
  /// Whether products use 8-bit activations.
  package var isQuantized: Bool { spark_type_is_quantized(kernelType) }
}

/// A layer's weights. Optional ones are nil where the architecture has none.
@safe
package struct LayerWeights {
  package var attentionNorm: UnsafePointer<Float>
  package var query: Linear
  package var key: Linear
  package var value: Linear
  package var queryNorm: UnsafePointer<Float>?
  package var keyNorm: UnsafePointer<Float>?
  package var attentionOutput: Linear
  package var feedForwardNorm: UnsafePointer<Float>
  package var gate: Linear
  package var up: Linear
  package var down: Linear

  /// Whether any of the products with the normalized stream before attention uses bytes.
  package var attentionReadsBytes: Bool {
    query.type.isQuantized || key.type.isQuantized || value.type.isQuantized
  }

  /// The same before the feed-forward.
  package var feedForwardReadsBytes: Bool { gate.type.isQuantized || up.type.isQuantized }
}
