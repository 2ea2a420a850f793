import CKernels
import Testing

@Suite("What limits are measured with")
struct LimitsTests {
  /// Every instruction set of this processor.
  static let sets = [SPARK_ISA_SCALAR, SPARK_ISA_AVX2, SPARK_ISA_AVX512, SPARK_ISA_AMX].filter {
    spark_kernels_for($0) != nil
  }

  private func limits(_ set: spark_isa) throws -> spark_limits {
    var limits = spark_limits()
    try #require(spark_limits_for(set, &limits))
    return limits
  }

  @Test("reading touches every byte once, whatever the threads", arguments: [256, 768, 5_243_136])
  func reading(byteCount: Int) throws {
    var numbers = Numbers(seed: UInt64(byteCount))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    defer { memory.deallocate() }
    let words = memory.bindMemory(to: UInt64.self, capacity: byteCount / 8)
    var expected: UInt64 = 0
    for index in 0..<byteCount / 8 {
      words[index] = numbers.next()
      expected ^= words[index]
    }
    for set in Self.sets {
      var limits = try limits(set)
      for threads in 1...3 {
        let pool = try #require(spark_pool_create(Int32(threads)))
        defer { spark_pool_destroy(pool) }
        let folded = spark_read_memory(pool, &limits, memory, byteCount)
        #expect(folded == expected, "set \(set), \(threads) threads")
      }
    }
  }

  /// Small whole numbers, so that every sum is exact.
  @Test("a product is the sum that it is to be, as often as asked for", arguments: [1, 3])
  func product(times: Int) throws {
    let side = Int(SPARK_PEAK_SIDE)
    let words = Int(SPARK_PEAK_WORDS)
    let byteCount = side * words * 4
    let a = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    let b = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    let out = UnsafeMutableRawPointer.allocate(byteCount: side * side * 4, alignment: 64)
    defer { for buffer in [a, b, out] { buffer.deallocate() } }
    var compared = 0
    for (peak, perWord) in [(SPARK_PEAK_BYTES, 4), (SPARK_PEAK_BFLOATS, 2), (SPARK_PEAK_FLOATS, 1)]
    {
      var numbers = Numbers(seed: UInt64(perWord))
      let depth = words * perWord
      let left = (0..<side * depth).map { _ in Int.random(in: -7...7, using: &numbers) }
      let right = (0..<depth * side).map { _ in Int.random(in: 0...7, using: &numbers) }
      func put(_ value: Int, _ index: Int, in buffer: UnsafeMutableRawPointer) {
        switch perWord {
        case 4: buffer.storeBytes(of: Int8(value), toByteOffset: index, as: Int8.self)
        case 2:
          let bits = UInt16(Float(value).bitPattern >> 16)
          buffer.storeBytes(of: bits, toByteOffset: index * 2, as: UInt16.self)
        default: buffer.storeBytes(of: Float(value), toByteOffset: index * 4, as: Float.self)
        }
      }
      for row in 0..<side {
        for i in 0..<depth { put(left[row * depth + i], row * depth + i, in: a) }
      }
      for i in 0..<depth {
        for column in 0..<side {
          let index = (i / perWord * side + column) * perWord + i % perWord
          put(right[i * side + column], index, in: b)
        }
      }
      for set in Self.sets {
        let limits = try limits(set)
        let multiply =
          switch peak {
          case SPARK_PEAK_BYTES: limits.multiply.0
          case SPARK_PEAK_BFLOATS: limits.multiply.1
          default: limits.multiply.2
          }
        guard let multiply else {
          #expect(peak == SPARK_PEAK_BFLOATS, "every set multiplies bytes and floats")
          continue
        }
        multiply(a, b, times, out)
        for row in 0..<side {
          for column in 0..<side {
            var expected = 0
            for i in 0..<depth { expected += left[row * depth + i] * right[i * side + column] }
            let offset = (row * side + column) * 4
            let value =
              peak == SPARK_PEAK_BYTES
              ? Int(out.load(fromByteOffset: offset, as: Int32.self))
              : Int(out.load(fromByteOffset: offset, as: Float.self))
            if value != times * expected {
              Issue.record("set \(set), peak \(peak): [\(row), \(column)] is \(value)")
              return
            }
            compared += 1
          }
        }
      }
    }
    #expect(compared >= 2 * side * side)
  }
}
