import CKernels
import Foundation
import Testing

@Suite struct AttentionTests {
  /// One layer's attention over freshly stored blocks, as the engine would run it.
  private struct Setting {
    var kvHeads = 2
    var group = 2
    var d = 32
    var blockLength = 16
    var type = SPARK_KV_F16
    var interleaved = true
    /// Tokens stored before the rows that attend.
    var history = 40
    var rows = 5
    /// Tokens of the first block that nobody sees.
    var hidden = 0
  }

  /// - Parameter asPrompt: whether the rows are a prompt's, which are attended with tiles.
  private func run(
    _ setting: Setting, _ kernels: UnsafePointer<spark_kernels>, asPrompt: Bool = false,
    together: Int? = nil
  ) -> [Float] {
    let scratch = Scratch()
    var numbers = Numbers(seed: UInt64(setting.d * 7 + setting.rows))
    let (d, length) = (setting.d, setting.blockLength)
    let heads = setting.kvHeads * setting.group
    let stride = (d + 15) / 16 * 16
    let elementBytes = setting.type == SPARK_KV_F16 ? 2 : 4
    var layout = spark_kv_layout(
      kv_heads: Int32(setting.kvHeads), d: Int32(d), block_length: Int32(length),
      value_stride: Int32(stride),
      layer_bytes: setting.kvHeads * length * (d + stride) * elementBytes, type: setting.type)
    let total = setting.history + setting.rows
    let blocks = (total + length - 1) / length
    let pairs = d / 2
    let angles = (0..<(total + length) * pairs).map {
      Double($0 / pairs) * pow(100, -Double($0 % pairs) / Double(pairs))
    }
    var rope = spark_rope(
      cosine: scratch.make(angles.map { Float(cos($0)) }),
      sine: scratch.make(angles.map { Float(sin($0)) }), rotary: Int32(pairs * 2),
      interleaved: setting.interleaved)
    // Two layers, of which the second is used, so that layer offsets count.
    let bytes = layout.layer_bytes * 2
    let storage = scratch.make([UInt8](repeating: 0, count: blocks * bytes))
    let width = setting.kvHeads * d
    let (keys, values) = (numbers.floats(total * width), numbers.floats(total * width))
    let blockOf = (0..<total).map { Optional(storage + $0 / length * bytes) }
    let slots = (0..<total).map { Int32($0 % length) }
    let spans = (0..<blocks).map {
      spark_span(
        block: storage + $0 * bytes, stride: layout.layer_bytes, start: Int32($0 * length),
        first: Int32($0 == 0 ? setting.hidden : 0), count: Int32(min(length, total - $0 * length)))
    }
    let query = numbers.floats(setting.rows * heads * d)
    let out = scratch.make([Float](repeating: 0, count: query.count))
    var write = spark_kv_write(
      layout: withUnsafePointer(to: &layout) { $0 },
      rope: withUnsafePointer(to: &rope) { $0 }, block: scratch.make(blockOf),
      slot: scratch.make(slots), layer: 1, key: scratch.make(keys), value: scratch.make(values))
    var run = spark_run(
      row: 0, rows: Int32(setting.rows), position: Int32(setting.history), span: 0,
      spans: Int32(blocks))
    withUnsafePointer(to: &layout) { layout in
      withUnsafePointer(to: &rope) { rope in
        write.layout = layout
        write.rope = rope
        kernels.pointee.store_kv(&write, 0, total)
        var job = spark_attention(
          layout: layout, rope: rope, runs: nil, run_count: 1, spans: scratch.make(spans),
          layer: 1, heads: Int32(heads), scale: 1 / Float(d).squareRoot(),
          query: scratch.make(query), out: out,
          prompt: asPrompt ? 0 : setting.rows)
        let queries = setting.rows * setting.group
        for head in 0..<setting.kvHeads {
          let tile = together ?? 16
          for first in Swift.stride(from: 0, to: queries, by: tile) {
            let attend =
              asPrompt ? kernels.pointee.attend_tiles! : kernels.pointee.attend!
            attend(&job, &run, Int32(head), Int32(first), Int32(min(tile, queries - first)))
          }
        }
      }
    }
    if setting.type == SPARK_KV_F32, kernels == scalar {
      check(
        setting, keys: keys, values: values, query: query, angles: angles,
        found: array(out, query.count))
    }
    return array(out, query.count)
  }

  /// The formula: softmax of rotated queries on rotated keys, in double precision.
  private func check(
    _ s: Setting, keys: [Float], values: [Float], query: [Float], angles: [Double], found: [Float]
  ) {
    let pairs = s.d / 2
    func rotated(_ x: ArraySlice<Float>, _ position: Int) -> [Double] {
      let x = x.map(Double.init)
      var out = x
      for pair in 0..<pairs {
        let a = s.interleaved ? 2 * pair : pair
        let b = s.interleaved ? 2 * pair + 1 : pair + pairs
        let angle = angles[position * pairs + pair]
        out[a] = x[a] * cos(angle) - x[b] * sin(angle)
        out[b] = x[a] * sin(angle) + x[b] * cos(angle)
      }
      return out
    }
    let heads = s.kvHeads * s.group
    for row in 0..<s.rows {
      for head in 0..<heads {
        let at = (row * heads + head) * s.d
        let q = rotated(query[at..<at + s.d], s.history + row)
        var scores = [Double](repeating: -.infinity, count: s.hidden)
        for token in s.hidden...s.history + row {
          let from = (token * s.kvHeads + head / s.group) * s.d
          let k = rotated(keys[from..<from + s.d], token)
          scores.append(zip(q, k).reduce(0) { $0 + $1.0 * $1.1 } / Double(s.d).squareRoot())
        }
        let weights = scores.map { exp($0 - scores.max()!) }
        for i in 0..<s.d {
          var sum = 0.0
          for (token, weight) in weights.enumerated() {
            sum += weight * Double(values[(token * s.kvHeads + head / s.group) * s.d + i])
          }
          #expect(abs(Double(found[at + i]) - sum / weights.reduce(0, +)) < 1e-5)
        }
      }
    }
  }

  private func compare(_ setting: Setting) {
    let reference = run(setting, scalar).map(\.bitPattern)
    for variant in variants {
      let found = run(setting, variant.kernels).map(\.bitPattern)
      #expect(found == reference, "\(variant.name): \(setting)")
    }
  }

  @Test("attention agrees in bits for every head dimension, and equals the formula")
  func headDimensions() {
    for d in Array(Swift.stride(from: 2, through: 70, by: 2)) + [80, 96, 128, 256] {
      for type in [SPARK_KV_F16, SPARK_KV_F32] {
        compare(Setting(d: d, type: type, interleaved: d % 4 == 0))
      }
    }
  }

  @Test("attention agrees for every number of visible tokens and rows")
  func lengths() {
    for history in 0...35 { compare(Setting(history: history, rows: 1 + history % 7)) }
    for rows in 1...20 { compare(Setting(type: SPARK_KV_F32, history: 3, rows: rows)) }
  }

  @Test(
    "attention agrees for block lengths and groupings of heads", arguments: [16, 32, 64, 128],
    [(1, 1), (1, 5), (3, 3), (2, 16), (1, 33)])
  func shapes(blockLength: Int, heads: (Int, Int)) {
    compare(
      Setting(
        kvHeads: heads.0, group: heads.1, blockLength: blockLength, type: SPARK_KV_F32,
        history: 150, rows: 3))
  }

  @Test("the first tokens of a block can be hidden", arguments: [1, 4, 15, 16, 40, 63])
  func hidden(tokens: Int) {
    for blockLength in [16, 64] where tokens < blockLength {
      compare(
        Setting(blockLength: blockLength, type: SPARK_KV_F32, history: 70, hidden: tokens))
    }
  }

  @Test(
    "a prompt's attention is the same but for rounding, and does not depend on how queries are grouped",
    arguments: [32, 64, 96, 128, 256], [16, 48, 64, 128])
  func tiles(d: Int, blockLength: Int) {
    for variant in variants where spark_attends_with_tiles(variant.kernels, Int32(d)) {
      for (history, rows, group, hidden) in [(0, 1, 1, 0), (40, 37, 3, 5), (150, 20, 4, 0)] {
        for type in [SPARK_KV_F16, SPARK_KV_F32] {
          let setting = Setting(
            group: group, d: d, blockLength: blockLength, type: type, history: history, rows: rows,
            hidden: hidden)
          let reference = run(setting, scalar)
          let found = run(setting, variant.kernels, asPrompt: true, together: 64)
          for (a, b) in zip(reference, found) {
            // Values lie between -2 and 2.
            #expect(abs(a - b) < 0.03, "\(setting)")
          }
          for together in [1, 16, 48] {
            let other = run(setting, variant.kernels, asPrompt: true, together: together)
            #expect(other.map(\.bitPattern) == found.map(\.bitPattern), "\(together): \(setting)")
          }
        }
      }
    }
  }

  @Test("keys and values round to half floats as the standard says")
  func rounding() {
    // Halves, what lies halfway between two, and their neighbours; overflow; subnormals.
    var values: [Float] = [0, -0.0, 65504, 65519.9, 65520, 1e9, 1e-8, 2.9e-8, 3e-8, 6e-8, -5.96e-8]
    for bits in stride(from: UInt16(1), to: 0x7bff, by: 37) {
      let (low, high) = (Float(Float16(bitPattern: bits)), Float(Float16(bitPattern: bits + 1)))
      let middle = (low + high) / 2
      values += [low, middle, middle.nextUp, -middle.nextDown]
    }
    while values.count % 16 != 0 { values.append(0) }
    let d = 16
    for kernels in [scalar] + variants.map(\.kernels) {
      let scratch = Scratch()
      let tokens = values.count / d
      var layout = spark_kv_layout(
        kv_heads: 1, d: Int32(d), block_length: 16, value_stride: 16,
        layer_bytes: 16 * 2 * d * 2, type: SPARK_KV_F16)
      let bytes = layout.layer_bytes
      let storage = scratch.make([UInt8](repeating: 0, count: (tokens + 15) / 16 * bytes))
      // No rotation: cosine 1, sine 0.
      var rope = spark_rope(
        cosine: scratch.make([Float](repeating: 1, count: 16 * d)),
        sine: scratch.make([Float](repeating: 0, count: 16 * d)), rotary: Int32(d),
        interleaved: true)
      withUnsafePointer(to: &layout) { layout in
        withUnsafePointer(to: &rope) { rope in
          var write = spark_kv_write(
            layout: layout, rope: rope,
            block: scratch.make((0..<tokens).map { Optional(storage + $0 / 16 * bytes) }),
            slot: scratch.make((0..<tokens).map { Int32($0 % 16) }), layer: 0,
            key: scratch.make(values), value: scratch.make(values))
          kernels.pointee.store_kv(&write, 0, tokens)
        }
      }
      for (index, value) in values.enumerated() {
        let (token, i) = (index / d, index % d)
        let block = UnsafeRawPointer(storage + token / 16 * bytes)
          .assumingMemoryBound(to: UInt16.self)
        let expected = Float16(min(65504, max(-65504, value)))
        let stored = Float16(bitPattern: block[d * 16 + token % 16 * 16 + i])
        #expect(stored == expected, "value \(value)")
        #expect(Float16(bitPattern: block[i * 16 + token % 16]) == expected, "key \(value)")
      }
    }
  }
}
