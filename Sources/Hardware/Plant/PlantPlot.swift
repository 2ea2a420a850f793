/// A simulated run as an SVG picture: temperature above, width below, over time.
package struct PlantPlot: CustomStringConvertible {
  private static let (width, left, right) = (860.0, 56.0, 16.0)
  private static let temperature = (top: 34.0, height: 230.0)
  private static let batch = (top: 304.0, height: 130.0)

  private let run: PlantRun
  private let shape: ThermalPlant.Shape
  private let title: String

  package init(_ run: PlantRun, shape: ThermalPlant.Shape, title: String) {
    (self.run, self.shape, self.title) = (run, shape, title)
  }

  package var description: String {
    let ambient = run.points.map(\.ambient).min() ?? 0
    let (low, high) = ((ambient / 10).rounded(.down) * 10, shape.trip + 5)
    func y(_ celsius: Double) -> Double {
      let (top, height) = Self.temperature
      return top + height * (high - celsius) / (high - low)
    }
    func y(width: Double) -> Double {
      let (top, height) = Self.batch
      return top + height * (1 - width / Double(shape.maxWidth))
    }
    let bottom = Self.batch.top + Self.batch.height
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(bottom) + 44)" \
      font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="#fff"/>
      """,
      text(Self.width / 2, 20, title, anchor: "middle"),
      text(Self.left, Self.batch.top - 10, "batch width"),
      text(Self.left, Self.temperature.top + 12, "°C, and the room's"),
    ]
    for celsius in stride(from: low, through: high, by: 10) {
      parts.append(grid(y(celsius), "\(Int(celsius))"))
    }
    for share in [0.0, 0.5, 1] {
      let value = Double(shape.maxWidth) * share
      parts.append(grid(y(width: value), "\(Int(value))"))
    }
    for hour in stride(from: 0, through: run.points.count, by: 1200) {
      parts.append(text(x(hour), bottom + 18, "\(hour / 60) min", anchor: "middle"))
    }
    parts.append(rule(y(shape.trip), "#c22", "trip point"))
    parts.append(path(run.points.map { ($0.second, y($0.ambient)) }, "#888"))
    parts.append(path(run.points.map { ($0.second, y($0.celsius)) }, "#d60"))
    parts.append(path(run.points.map { ($0.second, y(width: Double($0.decision.width))) }, "#06c"))
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  private func x(_ second: Int) -> Double {
    Self.left + (Self.width - Self.left - Self.right) * Double(second)
      / Double(max(1, run.points.count))
  }

  private func text(_ x: Double, _ y: Double, _ text: String, anchor: String = "start") -> String {
    "<text x=\"\(shortest(x))\" y=\"\(shortest(y))\" text-anchor=\"\(anchor)\">\(text)</text>"
  }

  private func grid(_ y: Double, _ label: String) -> String {
    line(y, "stroke=\"#ddd\"") + text(Self.left - 8, y + 4, label, anchor: "end")
  }

  private func rule(_ y: Double, _ colour: String, _ label: String) -> String {
    line(y, "stroke=\"\(colour)\" stroke-dasharray=\"6 4\"")
      + text(Self.width - Self.right, y - 4, label, anchor: "end")
  }

  private func line(_ y: Double, _ style: String) -> String {
    "<line x1=\"\(shortest(Self.left))\" x2=\"\(shortest(Self.width - Self.right))\" "
      + "y1=\"\(shortest(y))\" y2=\"\(shortest(y))\" \(style)/>"
  }

  /// A line through the point of every tenth second.
  private func path(_ points: [(second: Int, y: Double)], _ colour: String) -> String {
    var steps = ""
    for point in points where point.second % 10 == 0 {
      let place = "\(shortest(x(point.second))) \(shortest(point.y))"
      steps += steps.isEmpty ? "M\(place)" : "L\(place)"
    }
    return "<path d=\"\(steps)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.5\"/>"
  }
}
