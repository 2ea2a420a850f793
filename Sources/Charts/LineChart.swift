/// Lines over one horizontal axis, as a picture for a page: SVG that stands alone and follows the
/// reader's light or dark mode.
///
///     var chart = LineChart(title: "decode", xTitle: "context, tokens", yTitle: "tokens/s")
///     chart.series.append(.init(name: "f16", points: [.init(x: 512, y: 40), .init(x: 1024, y: 38)]))
///     try chart.svg.write(…)
///
/// Points that are not finite, or not positive on a logarithmic axis, are left out. Eight colours are told apart by readers with any colour vision; a ninth line begins anew.
package struct LineChart: Sendable {
  package struct Point: Sendable {
    package var x: Double
    package var y: Double
    /// The confidence band; it joins the points that have one.
    package var band: ClosedRange<Double>?

    package init(x: Double, y: Double, band: ClosedRange<Double>? = nil) {
      (self.x, self.y, self.band) = (x, y, band)
    }
  }

  package struct Series: Sendable {
    package var name: String
    /// In the order in which the line passes them.
    package var points: [Point]
    package var isDashed: Bool

    package init(name: String, points: [Point], isDashed: Bool = false) {
      (self.name, self.points, self.isDashed) = (name, points, isDashed)
    }
  }

  package enum Scale: Sendable {
    case linear
    case log2
  }

  package var title: String
  package var xTitle: String
  package var yTitle: String
  package var xScale: Scale
  /// What the vertical axis shows at least; it grows to hold every point.
  package var yRange: ClosedRange<Double>?
  package var series: [Series] = []

  package init(
    title: String, xTitle: String, yTitle: String, xScale: Scale = .linear,
    yRange: ClosedRange<Double>? = nil
  ) {
    (self.title, self.xTitle, self.yTitle) = (title, xTitle, yTitle)
    (self.xScale, self.yRange) = (xScale, yRange)
  }
}

extension LineChart {
  private static let (width, height) = (860.0, 440.0)
  /// The plot's edges.
  private static let (left, right, top, bottom) = (72.0, 690.0, 44.0, 380.0)

  /// The picture, one element a line.
  package var svg: String {
    let xAxis = Axis(
      values: drawn.flatMap { $0.points.map(\.x) }, isLogarithmic: xScale == .log2,
      from: Self.left, to: Self.right)
    let bands = drawn.flatMap { $0.points.compactMap(\.band) }
    let heights =
      drawn.flatMap { $0.points.map(\.y) } + bands.flatMap { [$0.lowerBound, $0.upperBound] }
      + [yRange?.lowerBound, yRange?.upperBound].compactMap { $0 }
    let yAxis = Axis(values: heights, isLogarithmic: false, from: Self.bottom, to: Self.top)

    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
      font-family="sans-serif" font-size="13" role="img">
      <title>\(escaped(title))</title>
      \(Palette.style)
      <rect class="paper" width="100%" height="100%"/>
      """,
      text(
        x: (Self.left + Self.right) / 2, y: 24, title, anchor: "middle", style: "font-size=\"15\""),
      text(x: (Self.left + Self.right) / 2, y: Self.bottom + 44, xTitle, anchor: "middle"),
      text(
        x: 20, y: (Self.top + Self.bottom) / 2, yTitle, anchor: "middle",
        style: "transform=\"rotate(-90 20 \(number((Self.top + Self.bottom) / 2)))\""),
    ]
    for tick in yAxis.ticks {
      let y = yAxis.place(tick)
      parts.append(line(Self.left, y, Self.right, y))
      parts.append(text(x: Self.left - 8, y: y + 4, label(tick), anchor: "end"))
    }
    for tick in xAxis.ticks {
      let x = xAxis.place(tick)
      parts.append(line(x, Self.bottom, x, Self.bottom + 5))
      parts.append(text(x: x, y: Self.bottom + 20, label(tick), anchor: "middle"))
    }
    for (i, series) in drawn.enumerated() {
      parts += band(series, colour: i, xAxis, yAxis)
    }
    for (i, series) in drawn.enumerated() {
      parts += lines(series, colour: i, xAxis, yAxis)
      parts += legend(series, colour: i)
    }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  /// The series, with only the points that have a place.
  private var drawn: [Series] {
    series.map { series in
      var series = series
      series.points.removeAll { point in
        !point.x.isFinite || !point.y.isFinite || (xScale == .log2 && point.x <= 0)
      }
      return series
    }
  }

  private func band(_ series: Series, colour: Int, _ xAxis: Axis, _ yAxis: Axis) -> [String] {
    let points = series.points.compactMap { point in point.band.map { (point.x, $0) } }
    guard points.count > 1 else { return [] }
    let upper = points.map { place(xAxis.place($0), yAxis.place($1.upperBound)) }
    let lower = points.reversed().map { place(xAxis.place($0), yAxis.place($1.lowerBound)) }
    let path = (upper + lower).joined(separator: "L")
    return ["<path class=\"fill\(Palette.index(colour))\" d=\"M\(path)Z\" fill-opacity=\"0.15\"/>"]
  }

  private func lines(_ series: Series, colour: Int, _ xAxis: Axis, _ yAxis: Axis) -> [String] {
    let points = series.points.map { place(xAxis.place($0.x), yAxis.place($0.y)) }
    guard !points.isEmpty else { return [] }
    return [
      "<path class=\"line\(Palette.index(colour))\" d=\"M\(points.joined(separator: "L"))\" "
        + "fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\"\(dash(series))/>"
    ]
      + series.points.map { point in
        "<circle class=\"fill\(Palette.index(colour))\" cx=\"\(number(xAxis.place(point.x)))\" "
          + "cy=\"\(number(yAxis.place(point.y)))\" r=\"2.5\"/>"
      }
  }

  private func legend(_ series: Series, colour: Int) -> [String] {
    let (x, y) = (Self.right + 20, Self.top + 10 + Double(colour) * 24)
    return [
      "<path class=\"line\(Palette.index(colour))\" d=\"M\(place(x, y))L\(place(x + 28, y))\" "
        + "stroke-width=\"2\"\(dash(series))/>",
      text(x: x + 36, y: y + 4, series.name, anchor: "start"),
    ]
  }

  private func dash(_ series: Series) -> String {
    series.isDashed ? " stroke-dasharray=\"6 4\"" : ""
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<path class=\"grid\" d=\"M\(place(x1, y1))L\(place(x2, y2))\"/>"
  }

  private func text(
    x: Double, y: Double, _ text: String, anchor: String, style: String = ""
  ) -> String {
    "<text class=\"ink\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\""
      + (style.isEmpty ? "" : " " + style) + ">\(escaped(text))</text>"
  }

  private func place(_ x: Double, _ y: Double) -> String { "\(number(x)) \(number(y))" }
}

/// A coordinate, to tenths.
private func number(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
}

/// A tick's number, as short as it can be said.
private func label(_ value: Double) -> String {
  if value == value.rounded(), abs(value) < 1e15 { return "\(Int(value))" }
  // Steps have few digits; what a sum of them has more is rounding.
  return "\((value * 1e9).rounded() / 1e9)"
}

private func escaped(_ text: String) -> String {
  text.map { character in
    switch character {
    case "&": "&amp;"
    case "<": "&lt;"
    case ">": "&gt;"
    case "\"": "&quot;"
    default: String(character)
    }
  }.joined()
}
