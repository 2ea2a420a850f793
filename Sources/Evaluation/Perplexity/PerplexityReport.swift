internal import Charts
internal import Glibc

/// What a long text costs each arm, token by token (StreamingLLM's protocol: the cache is never
/// emptied; Xiao et al. 2023, arXiv:2309.17453).
package struct PerplexityReport: Sendable {
  /// Tokens of a text's part whose mean is a row, and a point of the curve.
  package static let segment = 1024
  /// Tokens that are drawn together by the bootstrap.
  package static let group = 256

  package let arms: [String]
  /// Tokens that are part of a word which occurred before, but not within the window.
  package let relevant: [Bool]
  /// For each arm, the negative log-probability of each token in nats: nil for the first one, which
  /// nothing predicts, and for those past the arm's context.
  private var costs: [[Double?]]

  package init(arms: [String], relevant: [Bool]) {
    self.arms = arms
    self.relevant = relevant
    costs = Array(repeating: Array(repeating: nil, count: relevant.count), count: arms.count)
  }

  /// Notes what `arm` paid for the token at `index`.
  package mutating func add(_ cost: Double, arm: Int, at index: Int) { costs[arm][index] = cost }

  /// exp of the mean cost of `arm` over `range`, of all tokens or of the relevant ones; nil where
  /// there are none, or the arm has not reached one of them.
  package func perplexity(
    _ arm: Int, in range: Range<Int>? = nil, relevantOnly: Bool = false
  ) -> Double? {
    var (sum, count) = (0.0, 0)
    for index in range ?? relevant.indices
    where index > 0 && (!relevantOnly || relevant[index]) {
      guard let cost = costs[arm][index] else { return nil }
      sum += cost
      count += 1
    }
    return count > 0 ? exp(sum / Double(count)) : nil
  }

  /// How much more than `other` the arm pays for a token, in nats, with a 95% interval; over the tokens
  /// that both have reached.
  package func difference(_ arm: Int, from other: Int, relevantOnly: Bool) -> Estimate? {
    let groups = stride(from: 1, to: relevant.count, by: Self.group).map { start in
      var group = PairedBootstrap.Group(sum: 0, count: 0)
      for index in start..<min(start + Self.group, relevant.count)
      where !relevantOnly || relevant[index] {
        guard let mine = costs[arm][index], let its = costs[other][index] else { continue }
        group.sum += mine - its
        group.count += 1
      }
      return group
    }
    return PairedBootstrap.estimate(groups)
  }

  package var segments: [Range<Int>] {
    stride(from: 0, to: relevant.count, by: Self.segment).map {
      $0..<min($0 + Self.segment, relevant.count)
    }
  }

  /// The perplexity of each part and of the whole, then how each arm differs from the one at
  /// `baseline`.
  package func markdown(baseline: Int) -> String {
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
    guard arms.count > 1 else { return table.description }
    var second = MarkdownTable(
      head: ["nats a token more than \(arms[baseline])", "all tokens", "recurring"])
    for arm in arms.indices where arm != baseline {
      second.rows.append(
        [arms[arm]]
          + [false, true].map {
            difference(arm, from: baseline, relevantOnly: $0)?.description(places: 4) ?? "–"
          })
    }
    return table.description + "\n" + second.description
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
  }

  package func records(baseline: Int) -> [Record] {
    arms.indices.flatMap { arm in
      (segments + [0..<relevant.count]).enumerated().map { place, range in
        let isWhole = place == segments.count
        return Record(
          event: isWhole ? "text" : "segment", arm: arms[arm], start: range.lowerBound,
          end: range.upperBound, perplexity: perplexity(arm, in: range),
          relevantTokens: range.count { relevant[$0] },
          relevantPerplexity: perplexity(arm, in: range, relevantOnly: true),
          difference: isWhole && arm != baseline
            ? difference(arm, from: baseline, relevantOnly: false) : nil,
          relevantDifference: isWhole && arm != baseline
            ? difference(arm, from: baseline, relevantOnly: true) : nil)
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
    return chart.svg
  }
}
