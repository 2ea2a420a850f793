import Cascade
import Foundation
import Model
import TestSupport
import Testing

@Suite("Summaries of blocks")
struct BlockSummaryTests {
  /// A layer of a block with made-up keys, as attention would have stored them.
  private struct Block {
    let layout: KVLayout
    let heads: Int
    let rope: RoPETable
    let tokens: Int
    /// [tokens][kvHeads][d], before RoPE.
    private(set) var keys: [Float]
    private(set) var bytes: [UInt8]

    /// - Parameters:
    ///   - tokens: the filled ones; the others' slots hold an earlier lender's large numbers.
    ///   - outliers: the first tokens, whose keys are far from the rest.
    init(
      _ random: inout SeededGenerator, tokens: Int, outliers: Int = 0, type: KeyValueType = .f32,
      blockLength: Int = 32
    ) throws {
      let (kvHeads, d) = (random.count(1...3), random.count(2...12) * 2)
      let rotary = random.count(1...d / 2) * 2
      let isInterleaved = Bool.random(using: &random)
      let magnitude = Bool.random(using: &random) ? 1 : 1.2
      let frequencies = (0..<rotary / 2).map { pow(50, -Double($0) / Double(rotary / 2)) }
      heads = kvHeads
      layout = KVLayout(
        layers: 1, kvHeads: kvHeads, headDimension: d, blockLength: blockLength, type: type)
      rope = try RoPETable(
        frequencies: frequencies, magnitude: magnitude, isInterleaved: isInterleaved,
        limit: blockLength)
      rope.ensure(blockLength)
      self.tokens = tokens
      keys = random.floats(tokens * kvHeads * d)
      for at in 0..<outliers * kvHeads * d { keys[at] = 50 + keys[at] }
      bytes = []
      var numbers = [Float](repeating: 1e4, count: layout.layerByteCount / type.byteCount)
      for token in 0..<tokens {
        for head in 0..<kvHeads {
          let from = (token * kvHeads + head) * d
          var key = keys[from..<from + d].map(Double.init)
          let plain = key
          for pair in 0..<rotary / 2 {
            let a = isInterleaved ? 2 * pair : pair
            let b = isInterleaved ? 2 * pair + 1 : pair + rotary / 2
            let angle = Double(token) * frequencies[pair]
            key[a] = magnitude * (plain[a] * cos(angle) - plain[b] * sin(angle))
            key[b] = magnitude * (plain[a] * sin(angle) + plain[b] * cos(angle))
          }
          for channel in 0..<d {
            numbers[(head * d + channel) * blockLength + token] = Float(key[channel])
          }
        }
      }
      for number in numbers {
        switch type {
        case .f16: withUnsafeBytes(of: Float16(number)) { bytes += $0 }
        case .f32: withUnsafeBytes(of: number) { bytes += $0 }
        }
      }
    }

    func key(_ token: Int, head: Int) -> [Float] {
      let from = (token * heads + head) * layout.headDimension
      return Array(keys[from..<from + layout.headDimension])
    }

    /// [vectors][kvHeads] of [d]: what the index is told of the block.
    func summary(_ scorer: RecallOptions.Scorer, skipping: Int = 0) throws -> [[[Float]]] {
      // The second of two layers, and not the first block, so that both offsets count.
      let index = BlockIndex(
        layout: IndexLayout(
          shape: try TinyModel.shape(
            layers: 2, heads: heads, kvHeads: heads, headDimension: layout.headDimension),
          blockLength: layout.blockLength, scorer: scorer))
      index.reserve(6)
      let summary = BlockSummary(layout: index.layout, kvLayout: layout)
      bytes.withUnsafeBufferPointer {
        summary.summarize(
          $0.baseAddress!, tokens: tokens, skipping: skipping, rope: rope, into: index, block: 5,
          layer: 1)
      }
      let d = layout.headDimension
      let halves = index.halves(block: 5)
      #expect(halves.prefix(index.layout.layerCount).allSatisfy { $0 == 0 })
      let numbers = halves.dropFirst(index.layout.layerCount).map {
        Float(Float16(bitPattern: $0))
      }
      return (0..<index.layout.vectors).map { vector in
        (0..<heads).map { head in
          Array(numbers[(vector * heads + head) * d..<(vector * heads + head + 1) * d])
        }
      }
    }
  }

  private func worst(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  /// Rounding of keys of up to 2.4 in the block and again in the index.
  private static let tolerance: Float = 5e-3

  @Test(
    "Every key is told as it was before RoPE, the last one again where tokens are missing",
    arguments: KeyValueType.allCases, 0..<10 as Range<UInt64>)
  func exact(type: KeyValueType, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let block = try Block(&random, tokens: random.count(1...32), type: type)
    let vectors = try block.summary(.exact)
    #expect(vectors.count == 32)
    for (vector, heads) in vectors.enumerated() {
      for head in 0..<block.heads {
        let key = block.key(min(vector, block.tokens - 1), head: head)
        #expect(worst(heads[head], key) < Self.tolerance, "key \(vector)")
      }
    }
  }

  @Test("The mean is the mean of the keys", arguments: 0..<20 as Range<UInt64>)
  func mean(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let block = try Block(&random, tokens: random.count(1...32))
    let vectors = try block.summary(.mean)
    #expect(vectors.count == 1)
    for head in 0..<block.heads {
      let keys = (0..<block.tokens).map { block.key($0, head: head) }
      let mean = block.key(0, head: head).indices.map { channel in
        Float(keys.reduce(0.0) { $0 + Double($1[channel]) } / Double(keys.count))
      }
      #expect(worst(vectors[0][head], mean) < Self.tolerance)
    }
  }

  @Test("Bounds hold every key and touch some", arguments: 0..<20 as Range<UInt64>)
  func bounds(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let block = try Block(&random, tokens: random.count(1...32), type: .f16)
    let bounds = try block.summary(.bounds)
    let keys = try block.summary(.exact)
    #expect(bounds.count == 2)
    for head in 0..<block.heads {
      for channel in 0..<block.layout.headDimension {
        let numbers = keys.map { $0[head][channel] }
        #expect(bounds[0][head][channel] == numbers.min())
        #expect(bounds[1][head][channel] == numbers.max())
      }
    }
  }

  @Test(
    "Representatives are keys: the one farthest from the mean, then those farthest from the chosen",
    arguments: 0..<20 as Range<UInt64>)
  func representatives(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let block = try Block(&random, tokens: random.count(4...32))
    let chosen = try block.summary(.representatives)
    #expect(chosen.count == IndexLayout.representatives)
    func distance(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    }
    for head in 0..<block.heads {
      let keys = (0..<block.tokens).map { block.key($0, head: head) }
      let mean = keys[0].indices.map { channel in
        keys.reduce(0) { $0 + $1[channel] } / Float(keys.count)
      }
      var expected: [[Float]] = []
      for _ in 0..<4 {
        let references = expected.isEmpty ? [mean] : expected
        expected.append(
          keys.max { a, b in
            references.map { distance(a, $0) }.min()! < references.map { distance(b, $0) }.min()!
          }!)
      }
      for vector in 0..<4 {
        #expect(worst(chosen[vector][head], expected[vector]) < Self.tolerance, "\(vector)")
      }
    }
  }

  @Test("A block of fewer tokens than representatives is told by all of them")
  func few() throws {
    for tokens in 1...3 {
      var random = SeededGenerator(seed: UInt64(tokens))
      let block = try Block(&random, tokens: tokens)
      let chosen = try block.summary(.representatives)
      for head in 0..<block.heads {
        for token in 0..<tokens {
          let key = block.key(token, head: head)
          #expect(chosen.contains { worst($0[head], key) < Self.tolerance })
        }
        #expect(
          chosen.allSatisfy { vector in
            (0..<tokens).contains {
              worst(vector[head], block.key($0, head: head)) < Self.tolerance
            }
          })
      }
    }
  }

  @Test(
    "Sinks are left out of every summary, unless the block has nothing else",
    arguments: RecallOptions.Scorer.allCases, 0..<6 as Range<UInt64>)
  func sinks(scorer: RecallOptions.Scorer, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let sinks = random.count(1...4)
    let block = try Block(&random, tokens: random.count(sinks + 1...32), outliers: sinks)
    for vector in try block.summary(scorer, skipping: sinks) {
      #expect(vector.allSatisfy { $0.allSatisfy { abs($0) < 10 } })
    }
    let alone = try Block(&random, tokens: sinks, outliers: sinks)
    for vector in try alone.summary(scorer, skipping: sinks) {
      #expect(vector.allSatisfy { $0.allSatisfy { $0 > 40 } })
    }
    #expect(try alone.summary(scorer, skipping: sinks) == alone.summary(scorer))
  }
}
