package import CKernels

/// Number format of cached keys and values.
public enum KeyValueType: String, Sendable, CaseIterable {
  /// 16-bit floats: the form every tier stores exactly.
  case f16
  /// 32-bit floats: twice the memory, for comparisons with references.
  case f32

  package var byteCount: Int { self == .f16 ? 2 : 4 }
}

/// Where a token's keys and values lie inside a block.
///
/// A block holds, for every layer, keys [kvHeads][headDimension][length] and then values
/// [kvHeads][length][valueStride]. Keys are channel-major, so that scores of neighbouring tokens
/// are neighbours, and rotated by RoPE with block-local positions, so that a block's bytes are valid
/// wherever the block is placed.
package struct KVLayout: Sendable, Equatable {
  /// Tokens in a block, unless someone asks for another length.
  package static let defaultBlockLength = 64
  /// The most tokens in a block that the kernels have room for.
  package static let longestBlock = Int(SPARK_MAX_BLOCK)

  package let layers: Int
  package let kvHeads: Int
  package let headDimension: Int
  /// Tokens in a block.
  package let blockLength: Int
  package let type: KeyValueType

  package init(
    layers: Int, kvHeads: Int, headDimension: Int, blockLength: Int = defaultBlockLength,
    type: KeyValueType = .f16
  ) {
    precondition(
      blockLength % 16 == 0 && blockLength > 0 && blockLength <= Self.longestBlock,
      "a block of \(blockLength) tokens: the length must be a multiple of 16 up to \(Self.longestBlock)"
    )
    self.layers = layers
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.blockLength = blockLength
    self.type = type
  }

  /// Elements from one token's value to the next, a multiple of the SIMD width.
  package var valueStride: Int { (headDimension + 15) / 16 * 16 }

  /// Bytes of one layer's keys and values in a block, a multiple of 32.
  package var layerByteCount: Int {
    kvHeads * blockLength * (headDimension + valueStride) * type.byteCount
  }

  package var blockByteCount: Int { layers * layerByteCount }

  /// The same for the kernels.
  package var kernelLayout: spark_kv_layout {
    spark_kv_layout(
      kv_heads: Int32(kvHeads), d: Int32(headDimension), block_length: Int32(blockLength),
      value_stride: Int32(valueStride), layer_bytes: layerByteCount,
      type: type == .f16 ? SPARK_KV_F16 : SPARK_KV_F32)
  }
}
