internal import CKernels

/// How a frame of a shape is quantized, and how many parameters and symbols that makes.
struct QuantizedLayout {
  let keys: spark_quantizer
  let values: spark_quantizer
  let keyParameters: Int
  let valueParameters: Int
  let keySymbols: Int
  let valueSymbols: Int

  /// - Parameters:
  ///   - keyLevels: the highest symbol of a key.
  ///   - valueLevels: the highest symbol of a value, even, so that zero has a symbol.
  private init(_ shape: FrameShape, keyLevels: Int32, valueLevels: Int32) {
    keys = spark_quantizer(
      rows: shape.heads * shape.dimension, length: shape.tokens, stride: shape.tokens,
      group: Self.group(of: shape.tokens), levels: keyLevels,
      element_bytes: Int32(shape.elementBytes), has_zeros: true)
    values = spark_quantizer(
      rows: shape.heads * shape.tokens, length: shape.dimension, stride: shape.valueStride,
      group: Self.group(of: shape.dimension), levels: valueLevels,
      element_bytes: Int32(shape.elementBytes), has_zeros: false)
    keyParameters = keys.rows * Self.groups(of: shape.tokens) * 2
    valueParameters = values.rows * Self.groups(of: shape.dimension)
    keySymbols = shape.keyCount
    valueSymbols = shape.heads * shape.tokens * shape.dimension
  }

  static func int8(_ shape: FrameShape) -> QuantizedLayout {
    QuantizedLayout(shape, keyLevels: 127, valueLevels: 126)
  }

  static func int4(_ shape: FrameShape) -> QuantizedLayout {
    QuantizedLayout(shape, keyLevels: 15, valueLevels: 14)
  }

  var parameters: Int { keyParameters + valueParameters }

  /// Bytes of the parameters, of their two planes, and of the symbols.
  var scratchByteCount: Int { 4 * parameters + keySymbols + valueSymbols }

  private static func groups(of length: Int) -> Int {
    let longest = Int(SPARK_CODEC_GROUP)
    return (length + longest - 1) / longest
  }

  /// Groups are as even as can be: 80 numbers are 40 and 40, not 64 and 16.
  private static func group(of length: Int) -> Int {
    let count = groups(of: length)
    return (length + count - 1) / count
  }
}
