import CKernels
import Foundation
import Testing

/// What the index of blocks is made from and how it is searched: every variant against the scalar
/// one, and that against the formula.
@Suite struct IndexTests {
  private struct Setting {
    var vectors = 3
    var group = 2
    var kvHeads = 2
    var d = 16
    var queries = 3
    var bounds = false

    var layout: spark_index_layout {
      spark_index_layout(
        vectors: Int32(vectors), heads: Int32(kvHeads * group), kv_heads: Int32(kvHeads),
        d: Int32(d), bounds: bounds)
    }
  }

  /// Scores of one panel by all variants, at several misalignments, and by the formula.
  private func compare(_ setting: Setting, range: ClosedRange<Float> = -2...2) {
    var numbers = Numbers(seed: UInt64(setting.d * 100 + setting.queries * 10 + setting.group))
    let (kvHeads, d, heads) = (setting.kvHeads, setting.d, setting.kvHeads * setting.group)
    var panel = (0..<setting.vectors * kvHeads * d * 16).map { _ in numbers.half(range) }
    // Zeros of both signs, and the largest number.
    for bits in [0, 0x8000, 0x7bff, 0xfbff] as [UInt16] where range.upperBound > 1 {
      panel[Int.random(in: 0..<panel.count, using: &numbers)] = bits
    }
    var queries = numbers.floats(setting.queries * heads * d, in: range)
    queries[Int.random(in: 0..<queries.count, using: &numbers)] = 0
    var layout = setting.layout
    func scores(_ kernels: UnsafePointer<spark_kernels>, offset: Int) -> [Float] {
      let scratch = Scratch()
      let out = scratch.make([Float](repeating: 9, count: 17), offset: offset)
      kernels.pointee.score_panel(
        &layout, scratch.make(panel, offset: offset), scratch.make(queries, offset: offset),
        setting.queries, out)
      #expect(out[16] == 9)
      return array(out, 16)
    }
    let reference = scores(scalar, offset: 0)
    for offset in 0..<3 {
      for variant in variants {
        let found = scores(variant.kernels, offset: offset)
        #expect(
          found.map(\.bitPattern) == reference.map(\.bitPattern), "\(variant.name): \(setting)")
      }
    }
    for lane in 0..<16 {
      var total = 0.0
      var size = 0.0
      for row in 0..<setting.queries * heads {
        let kvHead = row % heads / setting.group
        var products = [[Double]](repeating: [], count: setting.vectors)
        for vector in 0..<setting.vectors {
          for i in 0..<d {
            let key = Float16(bitPattern: panel[((vector * kvHeads + kvHead) * d + i) * 16 + lane])
            products[vector].append(Double(queries[row * d + i]) * Double(key))
            size += abs(products[vector][i])
          }
        }
        // With bounds, what each channel can give at most: the greatest where the query is
        // positive, the least where it is negative.
        total +=
          setting.bounds
          ? (0..<d).reduce(0) { $0 + products[queries[row * d + $1] < 0 ? 0 : 1][$1] }
          : products.map { $0.reduce(0, +) }.max()!
      }
      #expect(abs(Double(reference[lane]) - total) <= 1e-6 * max(size, 1e-3), "\(setting)")
    }
  }

  @Test("panels' scores agree in bits for every head dimension, and equal the formula")
  func headDimensions() {
    for d in Array(1...35) + [64, 80, 128, 256] {
      compare(Setting(d: d))
      compare(Setting(vectors: 2, d: d, bounds: true))
    }
  }

  @Test("panels' scores agree for every number of queries and of heads that share keys")
  func queries() {
    for group in 1...9 {
      for queries in 1...9 {
        compare(Setting(vectors: 2, group: group, d: 6, queries: queries))
        compare(Setting(vectors: 2, group: group, d: 6, queries: queries, bounds: true))
      }
    }
  }

  @Test("panels' scores agree for every number of vectors and key-value heads")
  func vectors() {
    for vectors in Array(1...6) + [16, 64] {
      for kvHeads in 1...5 { compare(Setting(vectors: vectors, kvHeads: kvHeads, d: 8)) }
    }
  }

  @Test("panels' scores agree on tiny and on huge numbers")
  func extremes() {
    compare(Setting(), range: -60000...60000)
    compare(Setting(vectors: 2, bounds: true), range: -60000...60000)
    compare(Setting(), range: -1e-6...1e-6)
    compare(Setting(vectors: 2, bounds: true), range: -1e-6...1e-6)
  }

  @Test("halves are the nearest ones, with a stride, and finite for numbers beyond their range")
  func halves() {
    for bits in 0...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let found = spark_half_value(bits)
      #expect(found.bitPattern == expected.bitPattern || (found.isNaN && expected.isNaN))
    }
    var numbers = Numbers(seed: 3)
    let values =
      numbers.floats(2000) + numbers.floats(500, in: -70000...70000)
      + numbers.floats(500, in: -1e-4...1e-4) + numbers.floats(500, in: -1e-7...1e-7)
      + [
        0, -0.0, 65504, 65519, 65520, -65520, 1e30, -1e30, .infinity, -.infinity,
        .leastNonzeroMagnitude, 2049,
      ]
    for stride in [1, 3, 16] {
      var out = [UInt16](repeating: 0x1234, count: values.count * stride)
      spark_put_halves(values, values.count, &out, stride)
      for (at, bits) in out.enumerated() {
        let expected =
          at % stride == 0
          ? Float16(min(max(values[at / stride], -65504), 65504)).bitPattern : 0x1234
        #expect(bits == expected, "\(values[at / stride]), stride \(stride)")
      }
    }
  }

  @Test(
    "keys come out of a block as they were before RoPE, for every rotation and both number types",
    arguments: [SPARK_KV_F16, SPARK_KV_F32], [true, false])
  func plainKeys(type: spark_kv_type, interleaved: Bool) {
    for (d, rotary) in [(2, 2), (6, 4), (32, 32), (34, 18), (128, 64)] {
      for magnitude in [1, 1.25] as [Float] {
        let (kvHeads, length, tokens) = (3, 32, 19)
        let stride = (d + 15) / 16 * 16
        let elementBytes = type == SPARK_KV_F16 ? 2 : 4
        let scratch = Scratch()
        var numbers = Numbers(seed: UInt64(d))
        var layout = spark_kv_layout(
          kv_heads: Int32(kvHeads), d: Int32(d), block_length: Int32(length),
          value_stride: Int32(stride), layer_bytes: kvHeads * length * (d + stride) * elementBytes,
          type: type)
        let angles = (0..<length * rotary / 2).map {
          Double($0 / (rotary / 2)) * pow(30, -Double($0 % (rotary / 2)) / Double(rotary / 2))
        }
        var rope = spark_rope(
          cosine: scratch.make(angles.map { magnitude * Float(cos($0)) }),
          sine: scratch.make(angles.map { magnitude * Float(sin($0)) }), rotary: Int32(rotary),
          interleaved: interleaved)
        // The second of two layers; slots that are not filled hold what must not be read.
        let block = scratch.make([UInt8](repeating: 0xff, count: 2 * layout.layer_bytes))
        let keys = numbers.floats(tokens * kvHeads * d)
        withUnsafePointer(to: &layout) { layout in
          withUnsafePointer(to: &rope) { rope in
            var write = spark_kv_write(
              layout: layout, rope: rope,
              block: scratch.make([UnsafeMutablePointer<UInt8>?](repeating: block, count: tokens)),
              slot: scratch.make((0..<Int32(tokens)).map { $0 }), layer: 1,
              key: scratch.make(keys), value: scratch.make(keys))
            scalar.pointee.store_kv(&write, 0, tokens)
          }
        }
        let tolerance: Float = type == SPARK_KV_F16 ? 3e-3 : 3e-6
        for head in 0..<kvHeads {
          let out = scratch.make([Float](repeating: 9, count: tokens * d + 1))
          spark_plain_keys(
            &layout, &rope, magnitude, block + layout.layer_bytes, Int32(head), Int32(tokens), out)
          #expect(out[tokens * d] == 9)
          for token in 0..<tokens {
            for i in 0..<d {
              let expected = keys[(token * kvHeads + head) * d + i]
              #expect(abs(out[token * d + i] - expected) < tolerance, "\(d), \(rotary)")
            }
          }
        }
      }
    }
  }
}
