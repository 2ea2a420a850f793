import CKernels
import Testing

/// Codec variants to compare with the scalar one, where this processor has them.
nonisolated(unsafe) private let codecVariants: [UnsafePointer<spark_codec_kernels>] = [
  SPARK_ISA_AVX2, SPARK_ISA_AVX512, SPARK_ISA_AMX,
].compactMap { spark_codec_kernels_for($0) }

nonisolated(unsafe) private let scalarCodec = spark_codec_kernels_for(SPARK_ISA_SCALAR)!

@Suite("Codec kernels")
struct CodecTests {
  @Test("Planes hold byte b of every number, and join gives the numbers back")
  func planes() {
    var random = Numbers(seed: 1)
    for count in [0, 1, 15, 16, 33, 64, 257] {
      for width in [2, 4] {
        let numbers = (0..<count * width).map { _ in UInt8.random(in: 0...255, using: &random) }
        for kernels in codecVariants + [scalarCodec] {
          let (split, join) =
            width == 2
            ? (kernels.pointee.split2!, kernels.pointee.join2!)
            : (kernels.pointee.split4!, kernels.pointee.join4!)
          var planes = [UInt8](repeating: 0, count: count * width + 1)
          split(numbers, count, &planes)
          for index in 0..<count {
            for byte in 0..<width {
              #expect(planes[byte * count + index] == numbers[index * width + byte])
            }
          }
          var joined = [UInt8](repeating: 0, count: count * width + 1)
          join(planes, count, &joined)
          #expect(Array(joined.dropLast()) == numbers && joined.last == 0)
        }
      }
    }
  }

  @Test("Centring is undone for any bytes, and puts alike bytes together")
  func centring() {
    var random = Numbers(seed: 2)
    for length in [1, 16, 31, 64, 100] {
      let rows = 5
      let bytes = (0..<rows * length).map { _ in UInt8.random(in: 0...255, using: &random) }
      for kernels in codecVariants + [scalarCodec] {
        var centred = bytes
        var references = [UInt8](repeating: 0, count: rows)
        kernels.pointee.center(rows, length, &centred, &references)
        var expected = bytes
        var expectedReferences = references
        scalarCodec.pointee.center(rows, length, &expected, &expectedReferences)
        #expect(centred == expected && references == expectedReferences)
        kernels.pointee.restore(rows, length, references, &centred)
        #expect(centred == bytes)
      }
    }
    // A row's largest magnitude 9 and its usual sign become 0.
    var row: [UInt8] = [0x85, 0x89, 0x09, 0x88]
    var reference: [UInt8] = [0]
    scalarCodec.pointee.center(1, 4, &row, &reference)
    #expect(row == [8, 0, 1, 2] && reference == [0x89])
  }

  @Test("Quantizing gives the same bits in every variant, for any bits", arguments: [2, 4])
  func quantizing(elementBytes: Int) {
    var random = Numbers(seed: 3)
    for round in 0..<60 {
      let length = Int.random(in: 1...200, using: &random)
      var q = spark_quantizer(
        rows: Int.random(in: 1...4, using: &random), length: length,
        stride: length + Int.random(in: 0...16, using: &random),
        group: Int.random(in: 1...64, using: &random),
        levels: [127, 126, 15, 14, 255].randomElement(using: &random)!,
        element_bytes: Int32(elementBytes), has_zeros: Bool.random(using: &random))
      let groups = q.rows * ((length + q.group - 1) / q.group)
      var numbers = [UInt8](repeating: 0, count: q.rows * q.stride * elementBytes)
      for index in 0..<q.rows * q.stride {
        let half = random.half(-4...4)
        let bits =
          round % 2 == 0
          ? UInt32.random(in: 0 ... .max, using: &random)
          : elementBytes == 2 ? UInt32(half) : Float(Float16(bitPattern: half)).bitPattern
        for byte in 0..<elementBytes {
          numbers[index * elementBytes + byte] = UInt8(truncatingIfNeeded: bits >> (8 * byte))
        }
      }
      // Parameters that no encoder writes must give finite numbers too.
      let wild = (0..<2 * groups).map { _ in UInt16.random(in: 0 ... .max, using: &random) }
      var outcomes: [[UInt8]] = []
      for kernels in [scalarCodec] + codecVariants {
        var parameters = [UInt16](repeating: 0, count: 2 * groups)
        var symbols = [UInt8](repeating: 0xee, count: q.rows * length)
        kernels.pointee.quantize(&q, numbers, &parameters, &symbols)
        #expect(symbols.allSatisfy { Int32($0) <= q.levels })
        var back = [UInt8](repeating: 0xee, count: numbers.count)
        kernels.pointee.dequantize(&q, parameters, symbols, &back)
        var wildBack = back
        kernels.pointee.dequantize(&q, wild, symbols, &wildBack)
        outcomes.append(
          parameters.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } + symbols + back + wildBack)
      }
      #expect(outcomes.allSatisfy { $0 == outcomes[0] }, "round \(round)")
    }
  }

  @Test("Numbers on the grid of a group come back as they were")
  func grid() {
    // 16 steps of 1/8 from -1: zero -1, scale 1/8, exactly.
    let numbers = (0..<16).map { Float16(-1 + Float($0) / 8).bitPattern }
    var bytes = numbers.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    var q = spark_quantizer(
      rows: 1, length: 16, stride: 16, group: 16, levels: 15, element_bytes: 2, has_zeros: true)
    for kernels in [scalarCodec] + codecVariants {
      var parameters: [UInt16] = [0, 0]
      var symbols = [UInt8](repeating: 0, count: 16)
      kernels.pointee.quantize(&q, bytes, &parameters, &symbols)
      #expect(parameters == [Float16(0.125).bitPattern, Float16(-1).bitPattern])
      #expect(symbols == (0..<16).map { UInt8($0) })
      let original = bytes
      kernels.pointee.dequantize(&q, parameters, symbols, &bytes)
      #expect(bytes == original)
    }
  }
}
