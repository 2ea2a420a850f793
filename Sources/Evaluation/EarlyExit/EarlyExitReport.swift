internal import Generation
internal import Glibc

/// What leaving layers out costs, and what it saves.
package struct EarlyExitReport: Sendable {
  package let layers: Int
  private var readings: [EarlyExitRun.Reading] = []

  package init(layers: Int) { self.layers = layers }

  package mutating func add(_ reading: EarlyExitRun.Reading) { readings.append(reading) }

  /// The figures of one threshold over all passages.
  package struct Row: Sendable, Encodable, Equatable {
    /// Nil: all layers.
    package var threshold: Float?
    package var tokens: Int
    /// Share of tokens that left before the last layer.
    package var exits: Double
    package var meanLayers: Double
    /// Share of places at which the likeliest token is the one that all layers find.
    package var agreement: Double
    package var perplexity: Double
    /// How much less time a passage took than with all layers: the median.
    package var speed: Double
  }

  package var rows: [Row] {
    var thresholds: [Float?] = []
    for reading in readings where !thresholds.contains(reading.threshold) {
      thresholds.append(reading.threshold)
    }
    return thresholds.map(row)
  }

  private func row(_ threshold: Float?) -> Row {
    let own = readings.filter { $0.threshold == threshold }
    let depths = own.flatMap(\.depths)
    let costs = own.flatMap(\.costs)
    var (same, ratios) = (0, [Double]())
    for reading in own {
      guard
        let whole = readings.first(where: {
          $0.threshold == nil && $0.passage == reading.passage
        })
      else { continue }
      same += zip(reading.choices, whole.choices).count { $0 == $1 }
      ratios.append(whole.seconds / max(1e-9, reading.seconds))
    }
    let count = Double(max(1, depths.count))
    return Row(
      threshold: threshold, tokens: depths.count,
      exits: Double(depths.count { $0 < layers }) / count,
      meanLayers: Double(depths.reduce(0, +)) / count, agreement: Double(same) / count,
      perplexity: exp(costs.reduce(0, +) / Double(max(1, costs.count))), speed: ratios.median)
  }

  package var markdown: String {
    var table = MarkdownTable(
      head: [
        "leaves at", "tokens", "left early", "mean layers", "same choice", "perplexity", "speed",
      ])
    for row in rows {
      table.rows.append([
        row.threshold.map { Double($0).rounded(to: 2) } ?? "never", "\(row.tokens)",
        (100 * row.exits).rounded(to: 1) + "%", row.meanLayers.rounded(to: 2),
        (100 * row.agreement).rounded(to: 1) + "%", row.perplexity.rounded(to: 2),
        "× " + row.speed.rounded(to: 2),
      ])
    }
    return table.description
  }
}
