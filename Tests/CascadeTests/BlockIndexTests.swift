import CKernels
import Cascade
import Model
import TestSupport
import Testing

@Suite("The index of blocks")
struct BlockIndexTests {
  private typealias Scorer = RecallOptions.Scorer

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

    /// What a search among `blocks` calls its body with.
    func search(layer: Int, among blocks: some Sequence<Int>, _ queries: [Float]) -> [Int: Float] {
      var shortlist = Shortlist()
      for block in blocks { shortlist.offer(block, score: 1) }
      shortlist.complete(below: 0)
      var found: [Int: Float] = [:]
      index.search(
        layer: layer, among: shortlist, queries: queries.span,
        kernels: spark_kernels_for(spark_best_isa())!
      ) { block, score in
        #expect(found[block] == nil, "block \(block) was found twice")
        found[block] = score
      }
      return found
    }
  }

  @Test(
    "Blocks are scored as documented, wherever in the index they are",
    arguments: RecallOptions.Scorer.allCases, 0..<12 as Range<UInt64>)
  func scores(scorer: RecallOptions.Scorer, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var filled = try Filled.random(scorer, &random)
    // In two parts, as a sequence grows.
    filled.fill(random.count(0...40), &random)
    filled.fill(random.count(41...700), &random, isShuffled: true)
    let layer = random.count(0...filled.layout.layers - 1)
    let queries = filled.queries(random.count(1...9), &random)
    let all = (0..<filled.vectors.count).shuffled(using: &random)
    let blocks = Set(all.prefix(random.count(0...Shortlist.capacity)))
    let found = filled.search(layer: layer, among: blocks, queries)
    #expect(Set(found.keys) == blocks)
    for (block, score) in found {
      let expected = filled.score(block, layer: layer, queries)
      #expect(abs(Double(score) - expected) < 1e-5 * Double(queries.count), "block \(block)")
    }
  }

  @Test("Without blocks or queries nothing is found")
  func empty() throws {
    var random = SeededGenerator(seed: 1)
    var filled = try Filled.random(.mean, &random)
    #expect(filled.search(layer: 0, among: [], filled.queries(1, &random)).isEmpty)
    filled.fill(5, &random)
    #expect(filled.search(layer: 0, among: [], filled.queries(1, &random)).isEmpty)
    #expect(filled.search(layer: 0, among: 0..<5, []).isEmpty)
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
    for layer in 0..<2 {
      let blocks = (0..<300).shuffled(using: &random).prefix(30)
      let expected = filled.search(layer: layer, among: blocks, queries)
      #expect(copy.search(layer: layer, among: blocks, queries) == expected)
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

  @Test("Room is made by panels of 16 blocks")
  func room() throws {
    let filled = try Filled(.mean, layers: 3, heads: 4, kvHeads: 2, d: 8)
    let panel = 3 * 16 * 16 * 2  // layers, kvHeads * d, lanes, bytes
    var capacities: [Int] = []
    for count in [0, 1, 16, 17, 256, 257] {
      filled.index.reserve(count)
      capacities.append(filled.index.capacity)
      #expect(filled.index.byteCount == filled.index.capacity / 16 * panel)
    }
    #expect(capacities == [0, 16, 16, 32, 256, 272])
    filled.index.reserve(3)
    #expect(filled.index.capacity == 272)
  }
}
