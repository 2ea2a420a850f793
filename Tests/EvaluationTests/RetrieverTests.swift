import Evaluation
import Foundation
import Generation
import Testing

@Suite("Retrievers")
struct RetrieverTests {
  @Test("Blocks stand by score; of equals the older or the newer is first")
  func order() {
    let scores: [Float] = [1, 3, 2, 3, 0]
    #expect(BlockOrder(scores: scores).blocks == [1, 3, 2, 0, 4])
    #expect(BlockOrder(scores: scores, newerFirst: true).blocks == [3, 1, 2, 0, 4])
    let order = BlockOrder(scores: scores)
    #expect(order.rank(ofBestOf: [0]) == 4)
    #expect(order.rank(ofBestOf: [4, 2]) == 3)
    #expect(order.rank(ofBestOf: [5]) == nil)
  }

  @Test("Coverage is the share of the first blocks, grows with them, and ends at all")
  func coverage() {
    let order = BlockOrder(blocks: [2, 0, 1])
    let shares: [[Float]] = [[0.5, 0.25, 0.25], [0, 0.5, 0.5]]
    let covered = (0...4).map { order.coverage(of: shares, first: $0) }
    #expect(covered == [0, 0.375, 0.625, 1, 1])
    #expect(order.coverage(of: [], first: 2) == 0)
  }

  @Test("Attention is the softmax of scaled dot products, over what is seen")
  func attention() {
    // Of dimension 1, so that nothing is scaled: weights are as 1 to 2 to 4 to 8.
    let attention = ExactAttention(keys: [0, log(2), log(4), log(8)], d: 1)
    func weights(_ sinks: Range<Int>, _ window: Range<Int>) -> [Float] {
      attention.weights(of: [1], sinks: sinks, window: window)
    }
    for (found, expected) in [
      (weights(0..<0, 0..<3), [1, 2, 4, 0].map { Float($0) / 7 }),
      (weights(0..<1, 2..<4), [1, 0, 4, 8].map { Float($0) / 13 }),
      (weights(0..<0, 3..<3), [0, 0, 0, 0]),
    ] {
      for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-6) }
    }
    // Ten numbers are more than the loop takes at once, and are scaled by their root.
    let long = ExactAttention(
      keys: [Float](repeating: 1, count: 10) + [Float](repeating: 0, count: 10), d: 10)
    let found = long.weights(of: Array(repeating: 0.1, count: 10)[...], sinks: 0..<0, window: 0..<2)
    let odds = exp(1 / Float(10).squareRoot())
    #expect(abs(found[0] - odds / (1 + odds)) < 1e-6)
  }

  @Test("A key receives from the tokens that follow it within the window, sinks apart")
  func received() {
    let attention = ExactAttention(keys: [0, 0, 0, 0], d: 1)
    func received(sinks: Int, heads: Range<Int> = 0..<1) -> [Float] {
      attention.received(
        from: [1, 1, 1, 1, 1, 1, 1, 1], heads: heads, of: 2, window: 2, sinks: sinks)
    }
    // Each token sees itself and the one before it.
    #expect(received(sinks: 0) == [0.5, 0.5, 0.5, 0])
    #expect(received(sinks: 0, heads: 0..<2) == [1, 1, 1, 0])
    // From the third on they also see the sink, which is paid for its place.
    for (a, b) in zip(received(sinks: 1), [1.0 / 2, 1.0 / 3, 1.0 / 3, 0]) {
      #expect(abs(a - Float(b)) < 1e-6)
    }
  }

  @Test("A needle is found where it stands as a word, whatever its case and its tokens")
  func needles() {
    let pieces = ["The", " Ki", "ng", " of Kings", ":", " king", "!"].map { Array($0.utf8) }
    func places(_ needle: String, _ range: Range<Int> = 0..<7) -> [Range<Int>] {
      NeedlePlace.places(of: needle, in: pieces, within: range)
    }
    #expect(places("king") == [1..<3, 5..<6])
    #expect(places("KING", 2..<7) == [5..<6])
    #expect(places("kings") == [3..<4])
    #expect(places("king of") == [1..<4])
    #expect(places("queen") == [] && places("") == [] && places("king", 0..<0) == [])
  }

  private func observation(
    _ question: String, _ layer: Int, rank: Int, scorer: BlockScorer = .mean
  ) -> RetrieverReport.Observation {
    .init(
      task: "t", question: question, blockLength: 64, layer: layer, scorer: scorer, rank: rank,
      blocks: 30, coverage: [0.1, 0.2, 0.4, 0.8], outside: 0.5)
  }

  @Test("A retriever's figures follow from its ranks, by layer and over all")
  func report() throws {
    var report = RetrieverReport()
    for (question, layer, rank) in [("a", 0, 1), ("b", 0, 3), ("a", 1, 8), ("b", 1, 20)] {
      report.add(observation(question, layer, rank: rank))
    }
    let group = RetrieverReport.Group(task: "t", blockLength: 64)
    #expect(report.groups == [group] && report.layers(group) == [0, 1])
    let all = try #require(report.figures(group, scorer: .mean))
    #expect(all.questions == 2)
    #expect(all.recall.map(\.mean) == [0.25, 0.25, 0.5, 0.75, 0.75])
    // Question a has both layers within 8, b one of them within 4.
    #expect(all.recall[3].low == 0.5 && all.recall[3].high == 1)
    let mean: Double = [1, 3, 8, 20].reduce(0) { $0 + 1 / $1 } / 4
    #expect(abs(all.meanReciprocalRank.mean - mean) < 1e-12)
    #expect(all.coverage.map(\.mean).elementsEqual([0.1, 0.2, 0.4, 0.8]) { abs($0 - $1) < 1e-12 })
    let first = try #require(report.figures(group, scorer: .mean, layer: 0))
    #expect(first.recall.map(\.mean) == [0.5, 0.5, 1, 1, 1])
    let wilson = Proportion(successes: 2, trials: 2).interval()
    #expect(first.recall[2].low == wilson.lowerBound && first.recall[2].high == 1)
    #expect(report.figures(group, scorer: .exact) == nil)
    // A head and a line, a table of one scorer, and one of its two layers.
    #expect(
      report.markdown.split(separator: "\n").map { $0.prefix(4) } == [
        "t, b", "| al", "| --", "| me", "| la", "| --", "| 0 ", "| 1 ",
      ])
    #expect(report.records.count == 3)
  }

  /// Dialogues and needles that fit the embedded model's context.
  private static func questions() throws -> [Question] {
    let engine = try Engine(path: RunTests.model)
    let needles = NeedleTask(
      needles: [.s2], lengths: [700], repetitions: 6, haystack: .synthetic, seed: 3
    ).questions { engine.tokenizer.encode($0).count }
    return try RecallTask(
      items: RecallTests.items(), distances: [], limit: 3, filler: Filler(exchanges: []),
      maxTokens: 1, seed: 1
    ).questions(window: 512) { try engine.tokens(of: .chat($0)).count } + needles
  }

  @Test("On the embedded model, attention itself covers most, and all blocks cover all of it")
  func embedded() async throws {
    var texts: [[RetrieverReport.Observation]] = []
    let count = try await RetrieverRun(
      task: "t", questions: Self.questions(), limit: 5, window: 128, blockLengths: [32, 64],
      base: EngineOptions(maxSequences: 1)
    ).run(on: EngineShelf(path: RunTests.model)) { texts.append($0) }
    #expect(count == 5 && texts.count == 5)
    for observations in texts {
      #expect(observations.count == 2 * 10 * BlockScorer.allCases.count)
      for observation in observations {
        #expect((1...observation.blocks).contains(observation.rank))
        #expect((0...1).contains(observation.outside))
        #expect(zip(observation.coverage, observation.coverage.dropFirst()).allSatisfy { $0 <= $1 })
        if observation.blocks <= 8 { #expect(abs(observation.coverage[3] - 1) < 1e-4) }
        let best = try #require(
          observations.first {
            $0.scorer == "attention" && $0.layer == observation.layer
              && $0.blockLength == observation.blockLength
          })
        for (a, b) in zip(best.coverage, observation.coverage) { #expect(a >= b - 1e-5) }
      }
    }
    // What shares the question's words is where the answer is, on the whole; chance is not.
    func rank(_ scorer: BlockScorer) -> Int {
      texts.joined().filter { $0.scorer == scorer.rawValue }.reduce(0) { $0 + $1.rank }
    }
    #expect(rank(.words) < rank(.random))
  }

  @Test(
    "Every key scores between what stands for it and its bounds; block lengths hold the same keys")
  func scores() async throws {
    let tokens = try Engine(path: RunTests.model).tokens(
      of: .text(String(repeating: "A fox ran over the hill and found nine eggs. ", count: 20)))
    var keys: [[Float]] = []
    for length in [32, 64] {
      let engine = try Engine(
        path: RunTests.model, options: EngineOptions(blockLength: length, maxSequences: 1))
      let end = tokens.count
      let found = try await engine.probeAttention(of: tokens) { probe in
        #expect(probe.tokens == end)
        let rows = end - 8..<end
        let blocks = end / length
        for layer in 0..<probe.shape.layers {
          let scores = [RecallOptions.Scorer.representatives, .exact, .bounds].map { scorer in
            probe.scores(
              in: probe.index(scorer, blocks: blocks, sinks: 0), layer: layer, blocks: blocks,
              rows: rows, distance: 300)
          }
          for (part, whole) in [(0, 1), (1, 2)] {
            #expect(
              zip(scores[part], scores[whole]).allSatisfy { $0 <= $1 + 1e-3 * (1 + abs($1)) },
              "layer \(layer)")
          }
        }
        return probe.keys(layer: 0, head: 1)
      }
      keys.append(found)
    }
    let largest = keys[0].reduce(0) { max($0, abs($1)) }
    // The first layer's keys differ by how half-precision numbers were rounded, which were turned by
    // different positions before.
    #expect(zip(keys[0], keys[1]).allSatisfy { abs($0 - $1) <= 0.004 * largest })
  }
}
