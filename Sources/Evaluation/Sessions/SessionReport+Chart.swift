internal import Charts

extension SessionReport {
  /// Time to the first token over turns, SVG.
  package var svg: String {
    var chart = LineChart(
      title: "time to the first token", xTitle: "turn", yTitle: "ms", yRange: 0...1)
    func points(_ turns: [SessionTurn]) -> [LineChart.Point] {
      turns.map { LineChart.Point(x: Double($0.turn), y: $0.firstTokenSeconds * 1000) }
    }
    chart.series = [
      LineChart.Series(name: "same engine", points: points(turns.filter { !$0.isAfterRestart })),
      LineChart.Series(name: "new engine", points: points(turns.filter(\.isAfterRestart))),
    ]
    return chart.svg
  }
}
