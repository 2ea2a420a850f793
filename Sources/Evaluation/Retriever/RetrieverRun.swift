package import Generation
internal import Glibc

/// Asks of each scorer, in each layer, where it puts the block that tells the answer, in texts that full
/// attention reads whole: the retriever alone, whatever the model makes of what it is shown.
package struct RetrieverRun: Sendable {
  /// What the questions are called together.
  package var task: String
  package var questions: [Question]
  /// The most texts that are measured.
  package var limit: Int
  /// Tokens of the window before which blocks are ranked.
  package var window: Int
  package var blockLengths: [Int]
  /// Threads and the like; window and block length are the run's own.
  package var base: EngineOptions
  package var template: ChatTemplate?
  package var seed: UInt64

  package init(
    task: String, questions: [Question], limit: Int, window: Int, blockLengths: [Int],
    base: EngineOptions = EngineOptions(), template: ChatTemplate? = nil, seed: UInt64 = 1
  ) {
    var random = SeededGenerator(seed: seed)
    self.task = task
    self.questions = questions.shuffled(using: &random)
    self.limit = limit
    self.window = window
    self.blockLengths = blockLengths
    self.base = base
    self.template = template
    self.seed = seed
  }

  /// Calls `onText` with each text's results as they come. Texts that do not fit, and those whose answer
  /// the window shows, are passed over.
  ///
  /// - Returns: texts that were measured.
  @discardableResult
  package func run(
    on shelf: EngineShelf, onText: ([RetrieverReport.Observation]) throws -> Void
  ) async throws -> Int {
    var count = 0
    for (number, question) in questions.enumerated() where count < limit {
      try Task.checkCancellation()
      var results: [RetrieverReport.Observation] = []
      for blockLength in blockLengths {
        guard let found = try await measure(question, number, blockLength, shelf) else {
          // The same texts at every length.
          results = []
          break
        }
        results += found
      }
      guard !results.isEmpty else { continue }
      count += 1
      try onText(results)
    }
    return count
  }

  private func measure(
    _ question: Question, _ number: Int, _ blockLength: Int, _ shelf: EngineShelf
  ) async throws -> [RetrieverReport.Observation]? {
    var options = base
    options.window = .full
    options.blockLength = blockLength
    let engine = try shelf.engine(options)
    let tokens = try engine.tokens(of: question.prompt(.whole), template: template)
    guard tokens.count <= engine.contextLength else { return nil }
    let before = max(0, tokens.count - window) / blockLength
    let places = try NeedlePlace.places(
      of: question, in: tokens, engine: engine, template: template)
    let blocks = Set(places.flatMap { $0.map { $0 / blockLength } })
    guard before > 1, !blocks.isEmpty, blocks.allSatisfy({ $0 < before }) else { return nil }

    let text = Text(
      tokens: tokens, before: before, window: window, sinks: options.sinks,
      rows: max(0, tokens.count - options.recall.every)..<tokens.count,
      words: Self.words(of: tokens, before: before, blockLength, engine.tokenizer),
      recall: options.recall)
    var random = SeededGenerator(seed: seed, for: number)
    let chance = (0..<engine.model.layers).map { _ in
      BlockOrder(blocks: Array(0..<before).shuffled(using: &random))
    }
    let layers = try await engine.probeAttention(of: tokens) { probe in
      text.layers(probe)
    }
    return layers.enumerated().flatMap { layer, result in
      BlockScorer.allCases.map { scorer in
        let order =
          switch scorer {
          case .random: chance[layer]
          case .words: BlockOrder(scores: text.words, newerFirst: true)
          default: result.orders[scorer]!
          }
        return RetrieverReport.Observation(
          task: task, question: question.id, blockLength: blockLength, layer: layer,
          scorer: scorer, rank: order.rank(ofBestOf: blocks)!, blocks: before,
          coverage: RetrieverReport.budgets.map {
            order.coverage(of: result.shares, first: $0)
          }, outside: result.outside)
      }
    }
  }

  /// What each block shares with the latest words, by the index that recall is routed by.
  private static func words(
    of tokens: [TokenID], before: Int, _ blockLength: Int, _ tokenizer: Tokenizer
  ) -> [Float] {
    var index = LexicalIndex(rarity: tokenizer.rarity(passageLength: blockLength))
    for block in 0..<before {
      index.add(tokens[block * blockLength..<(block + 1) * blockLength])
    }
    // The turn in progress and the one before it, at most a block of them.
    let latest = tokens.suffix(blockLength)
    let ends = latest.indices.filter { tokenizer.endTokens.contains(tokens[$0]) }
    let start = ends.count > 1 ? ends[ends.count - 2] + 1 : latest.startIndex
    var scores = [Float](repeating: 0, count: before)
    index.search(tokens[start...], below: before) { scores[$0] = $1 }
    return scores
  }
}

/// A text as its layers are asked about it.
private struct Text: Sendable {
  var tokens: [TokenID]
  /// Blocks before the window.
  var before: Int
  var window: Int
  var sinks: Int
  /// The tokens whose queries ask.
  var rows: Range<Int>
  var words: [Float]
  var recall: RecallOptions

  struct Layer: Sendable {
    var orders: [BlockScorer: BlockOrder] = [:]
    /// For each query and head, each block's share of the attention to all of them.
    var shares: [[Float]] = []
    /// The mean share of all attention that goes to them.
    var outside = 0.0
  }

  func layers(_ probe: AttentionProbe) -> [Layer] {
    let shape = probe.shape
    let distance = RecallPlan(
      window: .sliding(tokens: window), sinks: sinks, options: recall,
      blockLength: probe.layout.blockLength, shape: shape
    ).assumedDistance
    func index(_ scorer: RecallOptions.Scorer) -> BlockIndex {
      probe.index(scorer, blocks: before, sinks: sinks)
    }
    let best = probe.emptyIndex(.representatives, blocks: before)
    let mean = probe.emptyIndex(.mean, blocks: before)
    let indexes: [(BlockScorer, BlockIndex)] = [
      (.mean, index(.mean)), (.representatives, index(.representatives)),
      (.bounds, index(.bounds)), (.exact, index(.exact)),
      (.received, best),
      (.receivedMean, mean),
    ]
    return (0..<shape.layers).map { layer in
      let heads = attention(probe, layer: layer)
      putReceived(
        heads, probe, layer: layer, best: best, mean: mean)
      var result = exact(heads, probe, layer: layer)
      for scorer in BlockScorer.allCases {
        guard let index = indexes.first(where: { $0.0 == scorer.byHead })?.1 else { continue }
        result.orders[scorer] = BlockOrder(
          scores: votes(probe, index, layer: layer, distance: distance))
      }
      for (scorer, index) in indexes {
        result.orders[scorer] = BlockOrder(
          scores: probe.scores(
            in: index, layer: layer, blocks: before, rows: rows, distance: distance))
      }
      return result
    }
  }

  /// What each block gets of the votes of each query's heads.
  private func votes(
    _ probe: AttentionProbe, _ index: BlockIndex, layer: Int, distance: Int
  ) -> [Float] {
    let scale = 1 / Float(probe.shape.headDimension).squareRoot()
    var votes = [Float](repeating: 0, count: before)
    for row in rows {
      for head in 0..<probe.shape.heads {
        let scores = probe.scores(
          in: index, layer: layer, blocks: before, rows: row..<row + 1, head: head,
          distance: distance)
        let greatest = scores.max() ?? 0
        let weights = scores.map { expf(scale * ($0 - greatest)) }
        let sum = weights.reduce(0, +)
        for block in 0..<before { votes[block] += weights[block] / sum }
      }
    }
    return votes
  }

  /// What a key-value head of a layer attends with.
  private struct Head {
    var plainKeys: [Float]
    var attention: ExactAttention
    var queryHeads: Range<Int>
  }

  private func attention(_ probe: AttentionProbe, layer: Int) -> (heads: [Head], queries: [Float]) {
    let shape = probe.shape
    let group = shape.heads / shape.kvHeads
    let heads = (0..<shape.kvHeads).map { head in
      let keys = probe.keys(layer: layer, head: head)
      return Head(
        plainKeys: keys,
        attention: ExactAttention(keys: probe.turned(keys) { $0 }, d: shape.headDimension),
        queryHeads: head * group..<(head + 1) * group)
    }
    return (heads, probe.turned(probe.queries[layer]) { $0 / shape.heads })
  }

  /// Indexes the keys that received most.
  private func putReceived(
    _ of: (heads: [Head], queries: [Float]), _ probe: AttentionProbe, layer: Int,
    best: BlockIndex, mean: BlockIndex
  ) {
    let (d, length) = (probe.shape.headDimension, probe.layout.blockLength)
    let received = of.heads.map {
      $0.attention.received(
        from: of.queries, heads: $0.queryHeads, of: probe.shape.heads, window: window, sinks: sinks)
    }
    for block in 0..<before {
      var (all, means): ([[[Float]]], [Float]) = ([], [])
      for (head, mass) in zip(of.heads, received) {
        let tokens = (block * length + (block == 0 ? sinks : 0))..<(block + 1) * length
        let top = tokens.sorted { mass[$0] > mass[$1] }.prefix(best.layout.vectors)
        let keys = top.map { Array(head.plainKeys[$0 * d..<($0 + 1) * d]) }
        all.append(keys)
        means += (0..<d).map { i in keys.reduce(0) { $0 + $1[i] } / Float(keys.count) }
      }
      let vectors = (0..<best.layout.vectors).flatMap { vector in
        all.flatMap { $0[min(vector, $0.count - 1)] }
      }
      best.put(vectors.span, block: block, layer: layer)
      mean.put(means.span, block: block, layer: layer)
    }
  }

  /// The layer's attention as it is, and the order that it gives.
  private func exact(
    _ of: (heads: [Head], queries: [Float]), _ probe: AttentionProbe, layer: Int
  ) -> Layer {
    let (d, length, count) = (
      probe.shape.headDimension, probe.layout.blockLength, probe.shape.heads
    )
    var result = Layer()
    for row in rows {
      for head in of.heads {
        for queryHead in head.queryHeads {
          let start = (row * count + queryHead) * d
          let weights = head.attention.weights(
            of: of.queries[start..<start + d], sinks: 0..<0, window: 0..<row + 1)
          let blocks = (0..<before).map { block in
            // Sinks are seen in any case.
            weights[max(block * length, sinks)..<(block + 1) * length].reduce(0, +)
          }
          let sum = blocks.reduce(0, +)
          result.outside += Double(sum)
          if sum > 0 { result.shares.append(blocks.map { $0 / sum }) }
        }
      }
    }
    result.outside /= Double(rows.count * count)
    let sums = (0..<before).map { block in result.shares.reduce(0) { $0 + $1[block] } }
    result.orders[.attention] = BlockOrder(scores: sums)
    return result
  }
}
