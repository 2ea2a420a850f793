/// How well a scorer finds the block that holds a needle, whatever the model then makes of it.
///
/// For each question, layer and scorer: the place of the needle's block among all blocks outside the
/// window, best first. A random order is the floor, the exact scorer the ceiling.
package struct RetrieverReport: Sendable {
  /// One question's result in one layer.
  package struct Observation: Sendable, Equatable, Encodable {
    package var event = "rank"
    package var question: String
    package var layer: Int
    package var scorer: String
    /// 1 for the best of `blocks`.
    package var rank: Int
    package var blocks: Int

    package init(question: String, layer: Int, scorer: String, rank: Int, blocks: Int) {
      precondition((1...blocks).contains(rank), "rank \(rank) of \(blocks) blocks")
      self.question = question
      self.layer = layer
      self.scorer = scorer
      self.rank = rank
      self.blocks = blocks
    }
  }

  /// One scorer's figures in one layer.
  package struct Figures: Sendable, Equatable {
    /// How often the needle's block was among the best k, in the order of ``RetrieverReport/cutoffs``.
    package var recall: [Proportion]
    /// The mean of 1/rank.
    package var meanReciprocalRank: Double
  }

  package static let cutoffs = [1, 2, 4, 8, 16]

  package private(set) var observations: [Observation] = []

  package init() {}

  package mutating func add(_ observation: Observation) { observations.append(observation) }

  /// The figures of `scorer` in `layer`, nil being all layers together; nil without observations.
  package func figures(scorer: String, layer: Int? = nil) -> Figures? {
    let ranks = observations.filter {
      $0.scorer == scorer && (layer == nil || $0.layer == layer)
    }.map(\.rank)
    guard !ranks.isEmpty else { return nil }
    return Figures(
      recall: Self.cutoffs.map { cutoff in
        Proportion(successes: ranks.count { $0 <= cutoff }, trials: ranks.count)
      },
      meanReciprocalRank: ranks.reduce(0) { $0 + 1 / Double($1) } / Double(ranks.count))
  }

  /// A row for each scorer and layer, and one for all layers of a scorer.
  package var markdown: String {
    var table = MarkdownTable(
      head: ["scorer", "layer"] + Self.cutoffs.map { "recall@\($0)" } + ["MRR"])
    for scorer in Set(observations.map(\.scorer)).sorted() {
      let layers = Set(observations.filter { $0.scorer == scorer }.map(\.layer)).sorted()
      for layer in layers.map(Int?.some) + [nil] {
        guard let figures = figures(scorer: scorer, layer: layer) else { continue }
        table.rows.append(
          [scorer, layer.map { "\($0)" } ?? "all"]
            + figures.recall.map { "\(Int((100 * ($0.value ?? 0)).rounded()))%" }
            + [figures.meanReciprocalRank.rounded(to: 3)])
      }
    }
    return table.description
  }
}
