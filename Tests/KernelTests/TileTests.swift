import CKernels
import Testing

/// Those of this processor that multiply prompts otherwise; nil: there are none. A constant.
nonisolated(unsafe) private let tileKernels = variants.map(\.kernels).last {
  $0.pointee.multiply_tiles != nil
}

/// Products for prompts, whose operands are rounded to bf16.
@Suite(.enabled(if: tileKernels != nil, "this processor has no unit for them"))
struct TileTests {
  /// The nearest number with eight bits of mantissa, ties to even.
  private func rounded(_ x: Float) -> Double {
    let bits = x.bitPattern
    let nearest = bits &+ 0x7fff &+ (bits >> 16 & 1)
    return Double(Float(bitPattern: nearest & 0xffff_0000))
  }

  private struct Product {
    var values: [Float]
    var source: [UInt8]
    var biases: [Float]
    var out: [Float]
  }

  /// Rows `prompt...` of `m` are multiplied.
  private func product(
    _ type: spark_type, rows: Int, columns: Int, m: Int, prompt: Int = 0, keeping: [Float]? = nil,
    accumulate: Bool = false, seed: UInt64 = 5
  ) -> Product {
    var numbers = Numbers(seed: seed)
    let scratch = Scratch()
    let source = randomRows(type, rows: rows, columns: columns, &numbers)
    let biases = numbers.floats(rows)
    let panelBytes = spark_panel_bytes(type, columns)
    let panels = scratch.make([UInt8](repeating: 0, count: (rows + 15) / 16 * panelBytes))
    for row in stride(from: 0, to: rows, by: 16) {
      source.withUnsafeBytes {
        spark_pack_panel(
          type, $0.baseAddress! + row * spark_row_bytes(type, columns), min(16, rows - row),
          columns,
          panels + row / 16 * panelBytes)
      }
    }
    let values = keeping ?? numbers.floats(m * columns)
    var x = makeActivations(values, rows: m, columns: columns, prompt: prompt, scratch)
    let out = scratch.make([Float](repeating: 1, count: m * rows), offset: 5)
    let kernels = tileKernels!.pointee
    kernels.fill_tiles(&x, prompt, m)
    kernels.multiply_tiles(
      type, panels, panelBytes, &x, rows, scratch.make(biases, offset: 3), accumulate, out, rows)
    return Product(values: values, source: source, biases: biases, out: array(out, m * rows))
  }

  @Test("products are those of rounded numbers, for every type", arguments: weightTypes)
  func products(type: spark_type, name: String, multiple: Int) {
    for (columns, rows, m, prompt) in [
      (32, 1, 1, 0), (32, 16, 16, 0), (64, 17, 33, 3), (256, 40, 5, 1), (1024, 96, 70, 0),
      (288, 256, 16, 0),
    ] where columns % max(32, multiple) == 0 {
      let found = product(
        type, rows: rows, columns: columns, m: m, prompt: prompt, accumulate: rows % 2 == 0)
      for row in 0..<rows {
        var weights = [Float](repeating: 0, count: columns)
        found.source.withUnsafeBytes {
          spark_dequantize_row(
            type, $0.baseAddress! + row * spark_row_bytes(type, columns), columns, &weights)
        }
        let exact = weights.map(rounded)
        for t in 0..<m {
          let result = Double(found.out[t * rows + row])
          guard t >= prompt else {
            #expect(result == 1)
            continue
          }
          var expected = Double(found.biases[row]) + (rows % 2 == 0 ? 1 : 0)
          var magnitude = abs(expected)
          for i in 0..<columns {
            let term = exact[i] * rounded(found.values[t * columns + i])
            expected += term
            magnitude += abs(term)
          }
          // A scale times a quant is rounded once more where a minimum is added to it.
          let tolerance = spark_type_is_quantized(type) ? 1e-3 : 1e-5
          #expect(
            abs(result - expected) <= tolerance * magnitude + 1e-9,
            "\(name): \(columns) columns, row \(row) of \(rows), token \(t) of \(m)")
        }
      }
    }
  }

  @Test("a token's bits do not depend on how many others there are", arguments: weightTypes)
  func neighbours(type: spark_type, name: String, multiple: Int) {
    let (columns, rows, m) = (768, 48, 600)
    let all = product(type, rows: rows, columns: columns, m: m)
    for t in [0, 1, 31, 511, 512, 599] {
      let mine = Array(all.values[t * columns..<(t + 1) * columns])
      // The weights are drawn first.
      let alone = product(type, rows: rows, columns: columns, m: 1, keeping: mine)
      #expect(
        alone.out.map(\.bitPattern) == all.out[t * rows..<(t + 1) * rows].map(\.bitPattern),
        "\(name), token \(t)")
    }
  }
}
