import CKernels
import Testing

@Suite struct MultiplyTests {
  /// One product with every variant; returns [m * rows] for each, scalar first.
  private func products(
    _ type: spark_type, rows: Int, columns: Int, m: Int, bias: Bool, accumulate: Bool, seed: UInt64
  ) -> [[Float]] {
    var numbers = Numbers(seed: seed)
    let scratch = Scratch()
    let source = randomRows(type, rows: rows, columns: columns, &numbers)
    let panel = scratch.make(
      [UInt8](repeating: 0xAA, count: max(64, spark_panel_bytes(type, columns))))
    spark_pack_panel(type, source.isEmpty ? [0] : source, rows, columns, panel)
    let values = numbers.floats(m * columns)
    let biases = scratch.make(numbers.floats(rows), offset: 3)
    let before = numbers.floats(m * rows)
    return ([scalar] + variants.map(\.kernels)).map { kernels in
      var x = makeActivations(values, rows: m, columns: columns, scratch)
      if spark_type_is_quantized(type) { kernels.pointee.quantize(&x, 0, m) }
      let out = scratch.make(before, offset: 5)
      withUnsafePointer(to: kernels.pointee.multiply) { table in
        table.withMemoryRebound(
          to: MultiplyKernel.self, capacity: Int(SPARK_TYPE_END.rawValue)
        ) {
          $0[Int(type.rawValue)](
            panel, &x, rows, bias ? UnsafePointer(biases) : nil, accumulate, out, rows)
        }
      }
      return array(out, m * rows)
    }
  }

  private typealias MultiplyKernel =
    @convention(c) (
      UnsafeRawPointer?, UnsafePointer<spark_activations>?, Int, UnsafePointer<Float>?, Bool,
      UnsafeMutablePointer<Float>?, Int
    ) -> Void

  private func lengths(_ multiple: Int) -> [Int] {
    multiple == 1 ? Array(0...35) + [64, 203] : (0...4).map { $0 * multiple } + [7 * multiple]
  }

  @Test("every variant multiplies as the scalar one does, bit for bit", arguments: weightTypes)
  func variantsAgree(type: spark_type, name: String, multiple: Int) {
    for columns in lengths(multiple) {
      for m in columns <= 64 * multiple ? [1, 2, 3, 4, 5, 8, 9, 13, 19, 24, 41] : [1, 8, 16] {
        for rows in m == 3 ? Array(1...16) : [16] {
          let results = products(
            type, rows: rows, columns: columns, m: m, bias: rows % 2 == 1,
            accumulate: rows % 3 == 0, seed: UInt64(columns * 1000 + m * 20 + rows))
          for (index, result) in results.dropFirst().enumerated() {
            let name = variants[index].name
            #expect(
              result.map(\.bitPattern) == results[0].map(\.bitPattern),
              "\(name), \(columns) columns, \(m) tokens, \(rows) rows")
          }
        }
      }
    }
  }

  @Test("the scalar product equals dequantized weights times activations", arguments: weightTypes)
  func scalarIsRight(type: spark_type, name: String, multiple: Int) {
    let columns = multiple == 1 ? 203 : 3 * multiple
    let (rows, m) = (13, 5)
    var numbers = Numbers(seed: 7)
    let scratch = Scratch()
    let source = randomRows(type, rows: rows, columns: columns, &numbers)
    let panel = scratch.make([UInt8](repeating: 0, count: spark_panel_bytes(type, columns)))
    spark_pack_panel(type, source, rows, columns, panel)
    var x = makeActivations(
      numbers.floats(m * columns), rows: m, columns: columns, scratch)
    if spark_type_is_quantized(type) { scalar.pointee.quantize(&x, 0, m) }
    let out = scratch.make([Float](repeating: 0, count: m * rows))
    withUnsafePointer(to: scalar.pointee.multiply) { table in
      table.withMemoryRebound(
        to: MultiplyKernel.self, capacity: Int(SPARK_TYPE_END.rawValue)
      ) {
        $0[Int(type.rawValue)](panel, &x, rows, nil, false, out, rows)
      }
    }
    for row in 0..<rows {
      var weights = [Float](repeating: 0, count: columns)
      source.withUnsafeBytes {
        spark_dequantize_row(
          type, $0.baseAddress! + row * spark_row_bytes(type, columns), columns, &weights)
      }
      for t in 0..<m {
        var expected = 0.0
        var magnitude = 0.0
        for i in 0..<columns {
          let value =
            spark_type_is_quantized(type)
            ? Double(x.scale[t * (columns / 32) + i / 32]) * Double(x.q[t * columns + i])
            : Double(x.x[t * columns + i])
          expected += Double(weights[i]) * value
          magnitude += abs(Double(weights[i]) * value)
        }
        #expect(abs(Double(out[t * rows + row]) - expected) <= 1e-6 * magnitude + 1e-9)
      }
    }
  }

  @Test("quantized activations are within half a step of what they were")
  func quantizationError() {
    var numbers = Numbers(seed: 3)
    let scratch = Scratch()
    var values = numbers.floats(32 * 9)
    for index in 32..<64 { values[index] = 0 }  // a group of zeros has scale 0
    values[64] = 1e30
    var results: [[Int8]] = []
    for kernels in [scalar] + variants.map(\.kernels) {
      var x = makeActivations(values, rows: 3, columns: 96, scratch)
      kernels.pointee.quantize(&x, 0, 3)
      results.append(array(x.q, values.count))
      for (index, value) in values.enumerated() {
        let scale = x.scale[index / 32]
        let restored = scale * Float(x.q[index])
        #expect(abs(restored - value) <= scale * 0.5001)
      }
      for group in 0..<9 {
        let sum = (0..<32).reduce(Int32(0)) { $0 + Int32(x.q[group * 32 + $1]) }
        #expect(x.negative_sum[group] == -sum)
        #expect(x.negative_half[group * 2] + x.negative_half[group * 2 + 1] == -sum)
        #expect(x.scaled_sum[group] == x.scale[group] * Float(sum))
      }
    }
    for other in results.dropFirst() { #expect(other == results[0]) }
  }
}
