import CKernels

/// A seeded generator: kernels are tested on the same numbers every time.
struct Numbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

  /// SplitMix64 (Steele, Lea and Flood 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -2...2) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }

  mutating func half(_ range: ClosedRange<Float>) -> UInt16 {
    Float16(Float.random(in: range, using: &self)).bitPattern
  }
}

/// The variants to compare with the scalar one, where this processor has them. The tables they point
/// to are constants.
nonisolated(unsafe) let variants: [(name: String, kernels: UnsafePointer<spark_kernels>)] = [
  SPARK_ISA_AVX2, SPARK_ISA_AVX512, SPARK_ISA_AMX,
].compactMap { isa in
  guard let kernels = spark_kernels_for(isa) else { return nil }
  return (String(cString: kernels.pointee.name), kernels)
}

nonisolated(unsafe) let scalar = spark_kernels_for(SPARK_ISA_SCALAR)!

/// Weight types with the multiple that a row's length must be.
let weightTypes: [(type: spark_type, name: String, multiple: Int)] = [
  (SPARK_F32, "F32", 1), (SPARK_F16, "F16", 1), (SPARK_BF16, "BF16", 1),
  (SPARK_Q8_0, "Q8_0", 32), (SPARK_Q4_0, "Q4_0", 32), (SPARK_Q4_1, "Q4_1", 32),
  (SPARK_Q5_0, "Q5_0", 32), (SPARK_Q5_1, "Q5_1", 32),
  (SPARK_Q4_K, "Q4_K", 256), (SPARK_Q5_K, "Q5_K", 256), (SPARK_Q6_K, "Q6_K", 256),
]

/// Random GGUF rows of a type: any quants, scales of ordinary size.
func randomRows(_ type: spark_type, rows: Int, columns: Int, _ numbers: inout Numbers) -> [UInt8] {
  var bytes = [UInt8]()
  func append(_ value: UInt16) { bytes += [UInt8(value & 255), UInt8(value >> 8)] }
  func quants(_ count: Int) {
    for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &numbers)) }
  }
  for _ in 0..<rows {
    switch type {
    case SPARK_F32:
      for value in numbers.floats(columns) {
        append(UInt16(value.bitPattern & 0xffff))
        append(UInt16(value.bitPattern >> 16))
      }
    case SPARK_F16: for _ in 0..<columns { append(numbers.half(-2...2)) }
    case SPARK_BF16:
      for value in numbers.floats(columns) { append(UInt16(value.bitPattern >> 16)) }
    case SPARK_Q4_K, SPARK_Q5_K:
      for _ in 0..<columns / 256 {
        append(numbers.half(-0.01...0.01))
        append(numbers.half(-0.01...0.01))
        quants(type == SPARK_Q4_K ? 140 : 172)
      }
    case SPARK_Q6_K:
      for _ in 0..<columns / 256 {
        quants(208)
        append(numbers.half(-0.01...0.01))
      }
    default:
      let hasMinimum = type == SPARK_Q4_1 || type == SPARK_Q5_1
      for _ in 0..<columns / 32 {
        append(numbers.half(-0.1...0.1))
        if hasMinimum { append(numbers.half(-0.5...0.5)) }
        quants(spark_row_bytes(type, 32) - (hasMinimum ? 4 : 2))
      }
    }
  }
  return bytes
}

/// Memory for one test, aligned like the engine's, freed at the end.
final class Scratch {
  private var pieces: [UnsafeMutableRawPointer] = []

  /// `count` elements; the first is `offset` elements past a 64-byte boundary.
  func make<T: BitwiseCopyable>(_ values: [T], offset: Int = 0) -> UnsafeMutablePointer<T> {
    let bytes = (values.count + offset) * MemoryLayout<T>.stride
    let piece = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 64), alignment: 64)
    pieces.append(piece)
    let first = piece.assumingMemoryBound(to: T.self) + offset
    for (index, value) in values.enumerated() { first[index] = value }
    return first
  }

  deinit { for piece in pieces { piece.deallocate() } }
}

/// Activations over `values`, [rows][columns], with room for the quantized form and for tiles.
///
/// - Parameter prompt: the first row of a prompt; nil: there is none.
func makeActivations(
  _ values: [Float], rows: Int, columns: Int, prompt: Int? = nil, _ scratch: Scratch
) -> spark_activations {
  let groups = max(1, rows * (columns / 32))
  return spark_activations(
    x: scratch.make(values, offset: 1),
    q: scratch.make([Int8](repeating: 0, count: max(1, rows * columns))),
    scale: scratch.make([Float](repeating: 0, count: groups)),
    scaled_sum: scratch.make([Float](repeating: 0, count: groups)),
    negative_sum: scratch.make([Int32](repeating: 0, count: groups)),
    negative_half: scratch.make([Int32](repeating: 0, count: groups * 2)), m: rows, k: columns,
    prompt: prompt ?? rows,
    tiles: scratch.make([UInt16](repeating: 0, count: (rows + 15) / 16 * 16 * columns)))
}

func array<T>(_ pointer: UnsafePointer<T>, _ count: Int) -> [T] {
  Array(UnsafeBufferPointer(start: pointer, count: count))
}
