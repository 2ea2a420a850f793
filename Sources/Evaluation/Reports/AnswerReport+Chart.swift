internal import Charts

extension AnswerReport {
  /// The shares of correct replies as a picture, SVG: over the swept option where there is one, else
  /// over the buckets. Bands are the 95% intervals.
  ///
  /// - Parameter arms: those of the report.
  package func svg(title: String, xTitle: String, arms: [Arm]) -> String {
    let swept = arms.lazy.compactMap(\.sweep).first?.option
    var chart = LineChart(
      title: title, xTitle: swept?.unit ?? xTitle, yTitle: "correct replies, %",
      // From no block on they are few; lengths double.
      xScale: swept == .recall ? .linear : .log2, yRange: 0...100)
    func point(_ x: Int, _ cell: Cell) -> LineChart.Point? {
      guard let share = cell.correct.value else { return nil }
      let interval = cell.correct.interval()
      return LineChart.Point(
        x: Double(x), y: 100 * share, band: 100 * interval.lowerBound...100 * interval.upperBound)
    }
    guard swept != nil else {
      chart.series = arms.map { arm in
        LineChart.Series(
          name: arm.name,
          points: sortedBuckets.compactMap { bucket in
            bucket.tokens.flatMap { point($0, cell(arm.name, .bucket(bucket))) }
          }, isDashed: arm.view == .near)
      }
      return chart.svg
    }
    let values = arms.compactMap { $0.sweep?.value }
    let ends = [values.min(), values.max()].compactMap { $0 }
    for arm in arms {
      if let sweep = arm.sweep {
        let next = point(sweep.value, cell(arm.name, .all)).map { [$0] } ?? []
        if let index = chart.series.firstIndex(where: { $0.name == sweep.series }) {
          chart.series[index].points += next
        } else {
          chart.series.append(.init(name: sweep.series, points: next))
        }
      } else {
        // What the option does not touch is the same everywhere.
        chart.series.append(
          .init(
            name: arm.name, points: ends.compactMap { point($0, cell(arm.name, .all)) },
            isDashed: true))
      }
    }
    for index in chart.series.indices { chart.series[index].points.sort { $0.x < $1.x } }
    return chart.svg
  }
}
