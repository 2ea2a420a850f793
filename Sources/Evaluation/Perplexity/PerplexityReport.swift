internal import Charts
internal import Glibc

/// What a long text costs each arm, token by token (StreamingLLM's protocol: the cache is never
/// emptied; Xiao et al. 2023, arXiv:2309.17453), or several passages, each read from its start.
package struct PerplexityReport: Sendable {
  /// Tokens that are drawn together by the bootstrap.
  package static let group = 256
  /// What an arm may cost of full attention's perplexity to count as its equal.
  package static let allowance = 1.02

  package let arms: [String]
  /// Tokens that are part of a word which occurred before, but not within the window; of all passages,
  /// one after another.
  package let relevant: [Bool]
  /// Tokens of a passage; the last one may have fewer.
  package let passage: Int
  /// Tokens of a passage's part whose mean is a row, and a point of the curve.
  package let stretch: Int
  /// For each arm, the negative log-probability of each token in nats: nil for the first one of a
  /// passage, which nothing predicts, and for those past the arm's context.
  private var costs: [[Double?]]

  /// - Parameters:
  ///   - passage: tokens of each passage; nil: `relevant` is about one text.
  ///   - stretch: tokens of a row.
  package init(arms: [String], relevant: [Bool], passage: Int? = nil, stretch: Int = 1024) {
    self.arms = arms
    self.relevant = relevant
    self.passage = max(1, passage ?? relevant.count)
    self.stretch = stretch
    costs = Array(repeating: Array(repeating: nil, count: relevant.count), count: arms.count)
  }

  /// Notes what `arm` paid for the token at `index`, counted over all passages.
  package mutating func add(_ cost: Double, arm: Int, at index: Int) { costs[arm][index] = cost }

  /// exp of the mean cost of `arm` over a range of every passage, of all tokens or of the relevant ones;
  /// nil where there are none, or the arm has not reached one of them.
  package func perplexity(
    _ arm: Int, in range: Range<Int>? = nil, relevantOnly: Bool = false
  ) -> Double? {
    var (sum, count) = (0.0, 0)
    for index in indices(of: range)
    where index % passage > 0 && (!relevantOnly || relevant[index]) {
      guard let cost = costs[arm][index] else { return nil }
      sum += cost
      count += 1
    }
    return count > 0 ? exp(sum / Double(count)) : nil
  }

  /// The tokens in `range` of every passage.
  private func indices(of range: Range<Int>?) -> [Int] {
    stride(from: 0, to: relevant.count, by: passage).flatMap { start in
      (range ?? 0..<passage).map { start + $0 }.filter { $0 < relevant.count }
    }
  }

  /// How much more than `other` the arm pays for a token, in nats, with a 95% interval; over the tokens
  /// that both have reached.
  package func difference(_ arm: Int, from other: Int, relevantOnly: Bool) -> Estimate? {
    PairedBootstrap.estimate(groups(arm, from: other, relevantOnly: relevantOnly))
  }

  private func groups(
    _ arm: Int, from other: Int, relevantOnly: Bool
  ) -> [PairedBootstrap.Group] {
    stride(from: 0, to: relevant.count, by: passage).flatMap { first in
      let end = min(first + passage, relevant.count)
      return stride(from: first + 1, to: end, by: Self.group).map { start in
        var group = PairedBootstrap.Group(sum: 0, count: 0)
        for index in start..<min(start + Self.group, end) where !relevantOnly || relevant[index] {
          guard let mine = costs[arm][index], let its = costs[other][index] else { continue }
          group.sum += mine - its
          group.count += 1
        }
        return group
      }
    }
  }

  /// An arm's perplexity over that of another, on the tokens that both have reached.
  package struct Ratio: Sendable, Equatable, Encodable {
    package var tokens: Int
    package var ratio: Estimate
    /// Whether it is at most ``PerplexityReport/allowance``.
    package var isWithinAllowance: Bool
  }

  /// Nil where they have no token in common.
  package func ratio(_ arm: Int, to other: Int, relevantOnly: Bool = false) -> Ratio? {
    let groups = groups(arm, from: other, relevantOnly: relevantOnly)
    guard let difference = PairedBootstrap.estimate(groups) else { return nil }
    return Ratio(
      tokens: groups.reduce(0) { $0 + $1.count },
      ratio: Estimate(
        mean: exp(difference.mean), low: exp(difference.low), high: exp(difference.high)),
      isWithinAllowance: exp(difference.mean) <= Self.allowance)
  }

  /// The parts of a passage.
  package var segments: [Range<Int>] {
    let end = min(passage, relevant.count)
    return stride(from: 0, to: end, by: stretch).map { $0..<min($0 + stretch, end) }
  }

  /// The perplexity of each part and of the whole, then how each arm differs from the one at
  /// `baseline`, then how it compares with full attention, the arm at `full`.
  package func markdown(baseline: Int, full: Int? = nil) -> String {
    func row(_ name: String, _ value: (Int) -> Double?) -> [String] {
      [name] + arms.indices.map { value($0).map { $0.rounded(to: 2) } ?? "–" }
    }
    var table = MarkdownTable(head: ["tokens"] + arms)
    for range in segments {
      table.rows.append(
        row("\(range.lowerBound) to \(range.upperBound)") { perplexity($0, in: range) })
    }
    table.rows.append(row("all") { perplexity($0) })
    table.rows.append(
      row("recurring (\(relevant.count { $0 }))") { perplexity($0, relevantOnly: true) })
    var text = table.description
    if arms.count > 1 {
      var second = MarkdownTable(
        head: ["nats a token more than \(arms[baseline])", "all tokens", "recurring"])
      for arm in arms.indices where arm != baseline {
        second.rows.append(
          [arms[arm]]
            + [false, true].map {
              difference(arm, from: baseline, relevantOnly: $0)?.description(places: 4) ?? "–"
            })
      }
      text += "\n" + second.description
    }
    guard let full else { return text }
    var third = MarkdownTable(
      head: [
        "perplexity over that of \(arms[full])", "tokens", "all tokens", "recurring",
        "at most × \(Self.allowance)",
      ])
    for arm in arms.indices where arm != full {
      guard let all = ratio(arm, to: full) else { continue }
      third.rows.append([
        arms[arm], "\(all.tokens)", all.ratio.description(places: 4),
        ratio(arm, to: full, relevantOnly: true)?.ratio.description(places: 4) ?? "–",
        all.isWithinAllowance ? "yes" : "no",
      ])
    }
    return third.rows.isEmpty ? text : text + "\n" + third.description
  }

  package struct Record: Sendable, Encodable {
    package var event = "segment"
    package var arm: String
    package var start: Int
    package var end: Int
    package var perplexity: Double?
    package var relevantTokens: Int
    package var relevantPerplexity: Double?
    /// Over the whole text, against the baseline.
    package var difference: Estimate?
    package var relevantDifference: Estimate?
    /// Over what full attention has read, against it.
    package var ratioToFull: Ratio?
  }

  package func records(baseline: Int, full: Int? = nil) -> [Record] {
    arms.indices.flatMap { arm in
      (segments + [0..<passage]).enumerated().map { place, range in
        let isWhole = place == segments.count
        return Record(
          event: isWhole ? "text" : "segment", arm: arms[arm], start: range.lowerBound,
          end: range.upperBound, perplexity: perplexity(arm, in: range),
          relevantTokens: indices(of: range).count { relevant[$0] },
          relevantPerplexity: perplexity(arm, in: range, relevantOnly: true),
          difference: isWhole && arm != baseline
            ? difference(arm, from: baseline, relevantOnly: false) : nil,
          relevantDifference: isWhole && arm != baseline
            ? difference(arm, from: baseline, relevantOnly: true) : nil,
          ratioToFull: isWhole && arm != full
            ? full.flatMap { ratio(arm, to: $0) } : nil)
      }
    }
  }

  /// Perplexity over the text, a point for each part, SVG.
  package func svg(title: String) -> String {
    var chart = LineChart(title: title, xTitle: "tokens read", yTitle: "perplexity")
    chart.series = arms.indices.map { arm in
      LineChart.Series(
        name: arms[arm],
        points: segments.compactMap { range in
          perplexity(arm, in: range).map { .init(x: Double(range.upperBound), y: $0) }
        })
    }
    chart.series.removeAll { $0.points.isEmpty }
    return chart.svg
  }
}
