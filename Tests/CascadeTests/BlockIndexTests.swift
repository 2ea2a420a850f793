import CKernels
import Cascade
import Model
import TestSupport
import Testing

@Suite("The index of blocks")
struct BlockIndexTests {
  private typealias Scorer = RecallOptions.Scorer
  private static let lanes = 16

  /// An index with what was put into it.
  private struct Filled {
    let layout: IndexLayout
    let index: BlockIndex
    /// [block][layer][vectors][kvHeads][d], as the index keeps them.
    private(set) var vectors: [[[Float]]] = []

    init(
      _ scorer: Scorer, layers: Int, heads: Int, kvHeads: Int, d: Int, blockLength: Int = 16
    ) throws {
      layout = IndexLayout(
        shape: try TinyModel.shape(
          layers: layers, heads: heads, kvHeads: kvHeads, headDimension: d),
        blockLength: blockLength, scorer: scorer)
      index = BlockIndex(layout: layout)
    }

    static func random(
      _ scorer: Scorer, _ random: inout SeededGenerator
    ) throws -> Filled {
      let kvHeads = random.count(1...3)
      return try Filled(
        scorer, layers: random.count(1...3), heads: kvHeads * random.count(1...5),
        kvHeads: kvHeads, d: random.count(1...20) * 2)
    }

    /// Vectors of a block, of which the bounds scorer's second is not below its first.
    private func made(_ random: inout SeededGenerator) -> [Float] {
      var numbers = random.floats(layout.layerCount).map { Float(Float16($0)) }
      guard layout.scorer == .bounds else { return numbers }
      let half = numbers.count / 2
      for at in 0..<half {
        (numbers[at], numbers[half + at]) = (
          min(numbers[at], numbers[half + at]), max(numbers[at], numbers[half + at])
        )
      }
      return numbers
    }

    /// Makes up blocks until there are `count`, and puts them in the order of `order`.
    mutating func fill(_ count: Int, _ random: inout SeededGenerator, isShuffled: Bool = false) {
      let new = Array(vectors.count..<count)
      index.reserve(count)
      for _ in new { vectors.append((0..<layout.layers).map { _ in made(&random) }) }
      for block in isShuffled ? new.shuffled(using: &random) : new { put(block) }
    }

    /// Puts different vectors in the place of a block's.
    mutating func replace(_ block: Int, layer: Int, with numbers: [Float]) {
      vectors[block][layer] = numbers
      index.put(numbers.span, block: block, layer: layer)
    }

    private func put(_ block: Int) {
      for layer in 0..<layout.layers {
        let numbers = vectors[block][layer]
        index.put(numbers.span, block: block, layer: layer)
      }
    }

    func queries(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
      random.floats(count * layout.heads * layout.headDimension)
    }

    /// The documented score, in double precision: over all queries and heads, the largest product
    /// with a vector of the block, or the bound on all products that least and greatest give.
    func score(_ block: Int, layer: Int, _ queries: [Float]) -> Double {
      let (heads, kvHeads, d) = (layout.heads, layout.kvHeads, layout.headDimension)
      let numbers = vectors[block][layer]
      var total = 0.0
      for row in 0..<queries.count / d {
        let kvHead = row % heads / (heads / kvHeads)
        func products(_ vector: Int) -> [Double] {
          (0..<d).map {
            Double(queries[row * d + $0]) * Double(numbers[(vector * kvHeads + kvHead) * d + $0])
          }
        }
        if layout.scorer == .bounds {
          total += zip(products(0), products(1)).reduce(0) { $0 + max($1.0, $1.1) }
        } else {
          total += (0..<layout.vectors).map { products($0).reduce(0, +) }.max()!
        }
      }
      return total
    }

    /// What a search calls its body with, and the bounds of the panels it asked.
    func search(
      layer: Int, below count: Int, _ queries: [Float]
    ) -> (found: [Int: Float], bounds: [Float]) {
      var scratch = SearchScratch(panels: 200)
      var found: [Int: Float] = [:]
      index.search(
        layer: layer, below: count, queries: queries.span,
        kernels: spark_kernels_for(spark_best_isa())!, scratch: &scratch
      ) { block, score in
        #expect(found[block] == nil, "block \(block) was found twice")
        found[block] = score
      }
      let panels = (count + 15) / 16
      return (found, (0..<panels).map { scratch.panelScores[$0] })
    }
  }

  @Test(
    "A short index scores every block as documented",
    arguments: RecallOptions.Scorer.allCases, 0..<12 as Range<UInt64>)
  func exhaustive(scorer: RecallOptions.Scorer, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var filled = try Filled.random(scorer, &random)
    let most = BlockIndex.exhaustivePanels * Self.lanes
    // In two parts, as a sequence grows.
    filled.fill(random.count(0...40), &random)
    filled.fill(seed == 0 ? most : random.count(41...most), &random, isShuffled: true)
    let layer = random.count(0...filled.layout.layers - 1)
    let queries = filled.queries(random.count(1...9), &random)
    let limit = seed == 0 ? most : random.count(0...filled.vectors.count)
    let found = filled.search(layer: layer, below: limit, queries).found
    #expect(Set(found.keys) == Set(0..<limit))
    for (block, score) in found {
      let expected = filled.score(block, layer: layer, queries)
      #expect(abs(Double(score) - expected) < 1e-5 * Double(queries.count), "block \(block)")
    }
  }

  @Test("Without blocks or queries nothing is found")
  func empty() throws {
    var random = SeededGenerator(seed: 1)
    var filled = try Filled.random(.mean, &random)
    #expect(filled.search(layer: 0, below: 0, filled.queries(1, &random)).found.isEmpty)
    filled.fill(5, &random)
    #expect(filled.search(layer: 0, below: 0, filled.queries(1, &random)).found.isEmpty)
    #expect(filled.search(layer: 0, below: 5, []).found.isEmpty)
  }

  @Test(
    "Halves read from one index make another that finds the same",
    arguments: RecallOptions.Scorer.allCases)
  func halves(scorer: RecallOptions.Scorer) throws {
    var random = SeededGenerator(seed: 3)
    var filled = try Filled(scorer, layers: 2, heads: 4, kvHeads: 2, d: 6)
    filled.fill(300, &random)
    let copy = try Filled(scorer, layers: 2, heads: 4, kvHeads: 2, d: 6)
    copy.index.reserve(300)
    for block in (0..<300).shuffled(using: &random) {
      let numbers = filled.index.halves(block: block)
      #expect(numbers == filled.vectors[block].joined().map { Float16($0).bitPattern })
      copy.index.put(halves: numbers, block: block)
    }
    for block in 0..<300 {
      #expect(copy.index.halves(block: block) == filled.index.halves(block: block))
    }
    let queries = filled.queries(3, &random)
    for (layer, limit) in [(0, 100), (1, 300)] {
      let expected = filled.search(layer: layer, below: limit, queries)
      let found = copy.search(layer: layer, below: limit, queries)
      #expect(found.found == expected.found)
      if limit == 300 { #expect(found.bounds == expected.bounds) }
    }
  }

  @Test("Numbers beyond half precision's range are kept as its largest")
  func clamped() throws {
    var random = SeededGenerator(seed: 4)
    var filled = try Filled(.mean, layers: 1, heads: 1, kvHeads: 1, d: 4)
    filled.fill(1, &random)
    filled.replace(0, layer: 0, with: [1e9, -.infinity, 65504, -3])
    let expected: [Float16] = [65504, -65504, 65504, -3]
    #expect(filled.index.halves(block: 0) == expected.map(\.bitPattern))
  }

  @Test(
    "A long index finds the one block that stands out, wherever it is",
    arguments: [RecallOptions.Scorer.mean, .representatives, .bounds], 0..<8 as Range<UInt64>)
  func planted(scorer: RecallOptions.Scorer, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var filled = try Filled(scorer, layers: 2, heads: 4, kvHeads: 2, d: 16)
    filled.fill(2000, &random)
    let layer = random.count(0...1)
    let queries = filled.queries(2, &random)
    // Along the sum of the queries that share each head, far beyond what chance gives.
    let (d, kvHeads) = (16, 2)
    var numbers = [Float](repeating: 0, count: filled.layout.layerCount)
    for at in numbers.indices {
      let (kvHead, channel) = (at / d % kvHeads, at % d)
      for row in 0..<8 where row % 4 / 2 == kvHead {
        numbers[at] += 20 * queries[row * d + channel]
      }
    }
    let block = random.count(0...1999)
    filled.replace(block, layer: layer, with: numbers)
    let found = filled.search(layer: layer, below: 2000, queries).found
    let best = try #require(found.max { $0.value < $1.value })
    #expect(best.key == block)
    let expected = filled.score(block, layer: layer, queries)
    #expect(abs(Double(best.value) - expected) < 1e-3 * expected)
  }

  @Test(
    "A panel's bound is never below the score of a block in it, in whatever order blocks were put",
    arguments: RecallOptions.Scorer.allCases, [false, true])
  func bounds(scorer: RecallOptions.Scorer, isShuffled: Bool) throws {
    for seed in 0..<4 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var filled = try Filled.random(scorer, &random)
      filled.fill(random.count(300...700), &random, isShuffled: isShuffled)
      let layer = random.count(0...filled.layout.layers - 1)
      let queries = filled.queries(random.count(1...4), &random)
      // The last panel's bound is replaced, since it is always searched.
      let limit = random.count(290...filled.vectors.count)
      let bounds = filled.search(layer: layer, below: limit, queries).bounds
      for block in 0..<(bounds.count - 1) * Self.lanes {
        let score = filled.score(block, layer: layer, queries)
        #expect(
          Double(bounds[block / Self.lanes]) >= score - 1e-5 * Double(queries.count),
          "seed \(seed), block \(block)")
      }
    }
  }

  @Test(
    "A long index searches its newest panel and the ones with the highest bounds, no others",
    arguments: 0..<10 as Range<UInt64>)
  func panels(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var filled = try Filled.random(.representatives, &random)
    filled.fill(random.count(257...1200), &random)
    let count = random.count(257...filled.vectors.count)
    let layer = random.count(0...filled.layout.layers - 1)
    let queries = filled.queries(random.count(1...4), &random)
    let (found, bounds) = filled.search(layer: layer, below: count, queries)
    let searched = Set(found.keys.map { $0 / Self.lanes })
    #expect(searched.count == BlockIndex.exhaustivePanels)
    #expect(searched.contains(bounds.count - 1))
    // All blocks of the panels searched.
    #expect(
      Set(found.keys) == Set((0..<count).filter { searched.contains($0 / Self.lanes) }))
    let left = Set(bounds.indices).subtracting(searched)
    let leastSearched = searched.map { bounds[$0] }.min()!
    #expect(left.allSatisfy { bounds[$0] <= leastSearched })
    for (block, score) in found {
      let expected = filled.score(block, layer: layer, queries)
      #expect(abs(Double(score) - expected) < 1e-5 * Double(queries.count), "block \(block)")
    }
  }

  @Test("Room is made by panels of 16 blocks, and groups of 16 panels")
  func room() throws {
    let filled = try Filled(.mean, layers: 3, heads: 4, kvHeads: 2, d: 8)
    let panel = 3 * 16 * 16 * 2  // layers, kvHeads * d, lanes, bytes
    let group = 2 * panel
    var capacities: [Int] = []
    for count in [0, 1, 16, 17, 256, 257] {
      filled.index.reserve(count)
      capacities.append(filled.index.capacity)
      let panels = filled.index.capacity / 16
      #expect(filled.index.byteCount == panels * panel + (panels + 15) / 16 * group)
    }
    #expect(capacities == [0, 16, 16, 32, 256, 272])
    filled.index.reserve(3)
    #expect(filled.index.capacity == 272)
  }
}
