/// How well a scorer finds the block that holds a needle, whatever the model then makes of it.
///
/// For each question, layer and scorer: the place of the needle's block among all blocks outside the
/// window, best first, and how much of the layer's attention to these blocks the best few get. A random
/// order is the floor.
package struct RetrieverReport: Sendable {
  /// One question's result in one layer.
  package struct Observation: Sendable, Equatable, Encodable {
    package var event = "rank"
    package var task: String
    package var question: String
    package var blockLength: Int
    package var layer: Int
    package var scorer: String
    /// 1 for the best of `blocks`.
    package var rank: Int
    package var blocks: Int
    /// The share of the attention to these blocks that the best few get, in the order of
    /// ``RetrieverReport/budgets``.
    package var coverage: [Double]
    /// The share of all attention that goes to these blocks.
    package var outside: Double

    package init(
      task: String, question: String, blockLength: Int, layer: Int, scorer: BlockScorer, rank: Int,
      blocks: Int, coverage: [Double], outside: Double
    ) {
      precondition((1...blocks).contains(rank), "rank \(rank) of \(blocks) blocks")
      precondition(coverage.count == RetrieverReport.budgets.count)
      self.task = task
      self.question = question
      self.blockLength = blockLength
      self.layer = layer
      self.scorer = scorer.rawValue
      self.rank = rank
      self.blocks = blocks
      self.coverage = coverage
      self.outside = outside
    }
  }

  /// One scorer's figures in one layer, or in all.
  package struct Figures: Sendable, Equatable, Encodable {
    package var event = "retriever"
    package var task: String
    package var blockLength: Int
    package var scorer: String
    /// Nil for all layers.
    package var layer: Int?
    package var questions: Int
    /// How often the needle's block was among the best k, in the order of ``RetrieverReport/cutoffs``.
    package var recall: [Estimate]
    /// The mean of 1/rank.
    package var meanReciprocalRank: Estimate
    package var coverage: [Estimate]
  }

  /// A table of its own: one task at one block length.
  package struct Group: Sendable, Hashable {
    package var task: String
    package var blockLength: Int

    package init(task: String, blockLength: Int) {
      (self.task, self.blockLength) = (task, blockLength)
    }
  }

  package static let cutoffs = [1, 2, 4, 8, 16]
  package static let budgets = [1, 2, 4, 8]

  private var observations: [Key: [Observation]] = [:]
  /// In the order in which they came.
  package private(set) var groups: [Group] = []

  private struct Key: Hashable {
    var group: Group
    var scorer: String
  }

  package init() {}

  package mutating func add(_ observation: Observation) {
    let group = Group(task: observation.task, blockLength: observation.blockLength)
    if !groups.contains(group) { groups.append(group) }
    observations[Key(group: group, scorer: observation.scorer), default: []].append(observation)
  }

  /// The figures of `scorer` in `layer`, nil being all layers together; nil without observations.
  ///
  /// Intervals are Wilson's for shares of questions; where layers are taken together, which see the same
  /// questions, from a bootstrap over questions.
  package func figures(_ group: Group, scorer: BlockScorer, layer: Int? = nil) -> Figures? {
    let key = Key(group: group, scorer: scorer.rawValue)
    let chosen = (observations[key] ?? []).filter { layer == nil || $0.layer == layer }
    let questions = Dictionary(grouping: chosen, by: \.question).sorted { $0.key < $1.key }
      .map(\.value)
    guard !questions.isEmpty else { return nil }
    func mean(_ value: (Observation) -> Double) -> Estimate {
      PairedBootstrap.estimate(
        questions.map { .init(sum: $0.reduce(0) { $0 + value($1) }, count: $0.count) })!
    }
    func share(_ holds: (Observation) -> Bool) -> Estimate {
      let count = chosen.count(where: holds)
      // A bootstrap of what never differs tells nothing.
      let isCounted = layer != nil || count == 0 || count == chosen.count
      guard isCounted else { return mean { holds($0) ? 1 : 0 } }
      let proportion = Proportion(
        successes: layer != nil ? count : count == 0 ? 0 : questions.count, trials: questions.count)
      let interval = proportion.interval()
      return Estimate(
        mean: proportion.value!, low: interval.lowerBound, high: interval.upperBound)
    }
    return Figures(
      task: group.task, blockLength: group.blockLength, scorer: scorer.rawValue, layer: layer,
      questions: questions.count,
      recall: Self.cutoffs.map { cutoff in share { $0.rank <= cutoff } },
      meanReciprocalRank: mean { 1 / Double($0.rank) },
      coverage: Self.budgets.indices.map { budget in mean { $0.coverage[budget] } })
  }

  /// The layers that were measured, ascending.
  package func layers(_ group: Group) -> [Int] {
    Set(observations.filter { $0.key.group == group }.values.joined().map(\.layer)).sorted()
  }

  /// Everything, for machines.
  package var records: [Figures] {
    groups.flatMap { group in
      BlockScorer.allCases.flatMap { scorer in
        (layers(group).map(Int?.some) + [nil]).compactMap {
          figures(group, scorer: scorer, layer: $0)
        }
      }
    }
  }

  /// For each task and block length a table of all layers, and one of each.
  package var markdown: String { groups.map(markdown).joined(separator: "\n") }

  private func markdown(_ group: Group) -> String {
    func percent(_ estimate: Estimate) -> String {
      let numbers = [estimate.mean, estimate.low, estimate.high].map { (100 * $0).rounded(to: 0) }
      return "\(numbers[0])% [\(numbers[1]), \(numbers[2])]"
    }
    func heads(_ name: String) -> [String] {
      [name] + Self.cutoffs.map { "recall@\($0)" } + ["MRR"]
        + Self.budgets.map { "coverage@\($0)" }
    }
    func cells(_ figures: Figures) -> [String] {
      figures.recall.map(percent) + [figures.meanReciprocalRank.description(places: 2)]
        + figures.coverage.map(percent)
    }
    let all = BlockScorer.allCases.compactMap { figures(group, scorer: $0) }
    let any = observations.filter { $0.key.group == group }.values.first ?? []
    let blocks = Double(any.reduce(0) { $0 + $1.blocks }) / Double(max(1, any.count))
    var text =
      "\(group.task), blocks of \(group.blockLength) tokens, \(all.first?.questions ?? 0) texts, "
      + "\(blocks.rounded(to: 1)) blocks before the window on average\n\n"
    var table = MarkdownTable(head: heads("all layers"))
    for figures in all { table.rows.append([figures.scorer] + cells(figures)) }
    text += table.description + "\n"
    var byLayer = MarkdownTable(head: ["layer", "attention before the window"] + heads("scorer"))
    for layer in layers(group) {
      let here = any.filter { $0.layer == layer }
      let outside = here.reduce(0) { $0 + $1.outside } / Double(max(1, here.count))
      for scorer in BlockScorer.allCases {
        guard let figures = figures(group, scorer: scorer, layer: layer) else { continue }
        byLayer.rows.append(
          ["\(layer)", (100 * outside).rounded(to: 1) + "%", scorer.rawValue] + cells(figures))
      }
    }
    return text + byLayer.description
  }
}
