internal import Glibc

/// What memory does to a text it has nothing to do with, against the same model without it.
package struct HarmReport: Sendable {
  /// One token's comparison.
  package struct Token: Sendable, Equatable {
    /// The Kullback-Leibler divergence of the distribution with memory from the one without, in nats.
    package var divergence: Double
    /// Whether the likeliest token is another one.
    package var changesTop: Bool
    /// How much more the token that comes costs with memory, in nats.
    package var extraCost: Double

    package init(divergence: Double, changesTop: Bool, extraCost: Double) {
      self.divergence = divergence
      self.changesTop = changesTop
      self.extraCost = extraCost
    }
  }

  /// One arm's passages, each with its tokens.
  package private(set) var passages: [String: [[Token]]] = [:]
  package let arms: [String]

  package init(arms: [String]) { self.arms = arms }

  package mutating func add(_ passage: [Token], arm: String) {
    passages[arm, default: []].append(passage)
  }

  package struct Figures: Sendable, Encodable {
    package var event = "harm"
    package var arm: String
    package var passages: Int
    package var tokens: Int
    package var meanDivergence: Estimate
    package var divergence99: Double
    package var greatestDivergence: Double
    package var topChanges: Int
    package var topChangesLow: Double
    package var topChangesHigh: Double
    /// exp of the mean extra cost: the perplexity with memory by that without.
    package var perplexityRatio: Estimate
  }

  /// The figures of `arm`; nil before its first token.
  package func figures(_ arm: String) -> Figures? {
    let groups = passages[arm] ?? []
    let tokens = groups.flatMap(\.self)
    func estimate(_ value: (Token) -> Double) -> Estimate? {
      PairedBootstrap.estimate(
        groups.map { .init(sum: $0.reduce(0) { $0 + value($1) }, count: $0.count) })
    }
    guard let divergence = estimate(\.divergence), let cost = estimate(\.extraCost) else {
      return nil
    }
    let sorted = tokens.map(\.divergence).sorted()
    let changes = Proportion(successes: tokens.count { $0.changesTop }, trials: tokens.count)
    let interval = changes.interval()
    return Figures(
      arm: arm, passages: groups.count, tokens: tokens.count, meanDivergence: divergence,
      divergence99: sorted[Int((0.99 * Double(sorted.count - 1)).rounded())],
      greatestDivergence: sorted[sorted.count - 1], topChanges: changes.successes,
      topChangesLow: interval.lowerBound, topChangesHigh: interval.upperBound,
      perplexityRatio: Estimate(mean: exp(cost.mean), low: exp(cost.low), high: exp(cost.high)))
  }

  package var markdown: String {
    var table = MarkdownTable(
      head: [
        "memory", "passages", "tokens", "mean KLD", "99% KLD", "greatest KLD", "other top token",
        "perplexity ratio",
      ])
    for arm in arms {
      guard let figures = figures(arm) else { continue }
      let share = 100 * Double(figures.topChanges) / Double(figures.tokens)
      table.rows.append([
        arm, "\(figures.passages)", "\(figures.tokens)",
        figures.meanDivergence.description(places: 5), figures.divergence99.rounded(to: 4),
        figures.greatestDivergence.rounded(to: 3),
        "\(share.rounded(to: 1))% [\((100 * figures.topChangesLow).rounded(to: 1)), "
          + "\((100 * figures.topChangesHigh).rounded(to: 1))]",
        figures.perplexityRatio.description(places: 4),
      ])
    }
    return table.description
  }
}
