import CKernels
import Cache
import TestSupport

/// Shapes with odd dimensions, one head, several groups to a row, and every length of block.
let codecShapes: [FrameShape] = [
  FrameShape(heads: 2, dimension: 64, tokens: 64, valueStride: 64, elementBytes: 2),
  FrameShape(heads: 1, dimension: 40, tokens: 16, valueStride: 48, elementBytes: 2),
  FrameShape(heads: 3, dimension: 80, tokens: 128, valueStride: 80, elementBytes: 2),
  FrameShape(heads: 1, dimension: 1, tokens: 32, valueStride: 16, elementBytes: 2),
  FrameShape(heads: 2, dimension: 129, tokens: 80, valueStride: 144, elementBytes: 2),
  FrameShape(heads: 1, dimension: 24, tokens: 48, valueStride: 32, elementBytes: 4),
  FrameShape(heads: 2, dimension: 128, tokens: 32, valueStride: 128, elementBytes: 4),
]

let codecInstructionSets: [spark_isa] = [
  SPARK_ISA_SCALAR, SPARK_ISA_AVX2, SPARK_ISA_AVX512, SPARK_ISA_AMX,
].filter { spark_kernels_for($0) != nil }

/// What frames are filled with.
enum FrameContent: CaseIterable {
  /// Like a model's: every channel with its own size and offset.
  case channels
  /// Any bits: infinities, numbers that are none, subnormals.
  case anyBits
  case zeros
  /// One number, its sign included, everywhere.
  case constant
  /// The largest and the smallest numbers side by side.
  case extremes

  /// A frame's bytes; the padding of values is zero unless the content is any bits.
  func frame(_ shape: FrameShape, _ random: inout SeededGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    let constant = Float.random(in: -3...3, using: &random)
    for index in 0..<shape.keyCount + shape.valueCount {
      let isPadding =
        index >= shape.keyCount
        && (index - shape.keyCount) % shape.valueStride >= shape.dimension
      let channel = index / shape.tokens
      let number: Float =
        switch self {
        case .channels:
          Float(channel % 7) - 3
            + Float(1 << (channel % 5)) * Float.random(in: -0.5...0.5, using: &random)
        case .anyBits: 0
        case .zeros: 0
        case .constant: constant
        case .extremes:
          [65504, -65504, 6e-8, -6e-8, 0, -0.0, 1][Int.random(in: 0..<7, using: &random)]
        }
      append(isPadding ? 0 : number, shape, to: &bytes)
    }
    if self == .anyBits {
      for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255, using: &random) }
    }
    return bytes
  }

  private func append(_ number: Float, _ shape: FrameShape, to bytes: inout [UInt8]) {
    let bits =
      shape.elementBytes == 2 ? UInt32(Float16(number).bitPattern) : number.bitPattern
    for byte in 0..<shape.elementBytes {
      bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte)))
    }
  }
}

/// The frame's numbers as floats.
func numbers(_ bytes: [UInt8], _ shape: FrameShape) -> [Float] {
  stride(from: 0, to: bytes.count, by: shape.elementBytes).map { start in
    var bits: UInt32 = 0
    for byte in 0..<shape.elementBytes { bits |= UInt32(bytes[start + byte]) << (8 * byte) }
    return shape.elementBytes == 2
      ? Float(Float16(bitPattern: UInt16(bits))) : Float(bitPattern: bits)
  }
}

extension FrameCoder {
  func encode(_ frame: [UInt8], as codec: FrameCodec) throws -> [UInt8] {
    var output: [UInt8] = []
    try encode(frame.span.bytes, as: codec, into: &output)
    return output
  }

  /// Decodes into the middle of a larger buffer, whose other bytes must stay as they are.
  func decode(_ bytes: [UInt8], as codec: FrameCodec) throws -> (frame: [UInt8], strayed: Bool) {
    let margin = 64
    var buffer = [UInt8](repeating: 0xa5, count: shape.byteCount + 2 * margin)
    let size = buffer.count
    var outcome: Result<Void, any Error> = .success(())
    do {
      var span = buffer.mutableSpan
      var all = span.mutableBytes
      var target = all._mutatingExtracting(margin..<size)
      do { try decode(bytes.span.bytes, as: codec, into: &target) } catch {
        outcome = .failure(error)
      }
    }
    let strayed =
      buffer[..<margin].contains { $0 != 0xa5 } || buffer.suffix(margin).contains { $0 != 0xa5 }
    if strayed { return ([], true) }
    try outcome.get()
    return (Array(buffer[margin..<margin + shape.byteCount]), false)
  }
}
