import Charts
import Foundation
import FoundationXML
import Testing

@Suite("Line charts")
struct LineChartTests {
  private final class Elements: NSObject, XMLParserDelegate {
    var paths: [(class: String, d: String)] = []
    var texts: [String] = []
    private var text: String?

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      if name == "path" { paths.append((attributes["class"] ?? "", attributes["d"] ?? "")) }
      if name == "text" { text = "" }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text? += string }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
      qualifiedName: String?
    ) {
      if name == "text", let text { texts.append(text) }
      if name == "text" { text = nil }
    }
  }

  private func elements(of chart: LineChart) throws -> Elements {
    let elements = Elements()
    let parser = XMLParser(data: Data(chart.svg.utf8))
    parser.delegate = elements
    try #require(parser.parse(), "not well-formed: \(chart.svg)")
    return elements
  }

  private func chart(_ points: [LineChart.Point], _ scale: LineChart.Scale = .linear) -> LineChart {
    var chart = LineChart(title: "a < b & \"c\"", xTitle: "x", yTitle: "y", xScale: scale)
    chart.series = [LineChart.Series(name: "<one>", points: points)]
    return chart
  }

  @Test("Words are escaped, so that the picture is well-formed and says them")
  func escaping() throws {
    let texts = try elements(of: chart([.init(x: 0, y: 0), .init(x: 1, y: 1)])).texts
    #expect(texts.contains("a < b & \"c\""))
    #expect(texts.contains("<one>"))
  }

  @Test("On a logarithmic axis each doubling is as long")
  func logarithmic() throws {
    let points = [1.0, 2, 4, 8].map { LineChart.Point(x: $0, y: $0) }
    let elements = try elements(of: chart(points, .log2))
    let line = try #require(elements.paths.first { $0.class == "line0" }).d
    let xs = line.dropFirst().split(separator: "L").compactMap {
      Double($0.split(separator: " ")[0])
    }
    let steps = zip(xs, xs.dropFirst()).map { $1 - $0 }
    #expect(steps.count == 3)
    for step in steps { #expect(abs(step - steps[0]) < 0.2) }
    for tick in ["1", "2", "4", "8"] { #expect(elements.texts.contains(tick)) }
  }

  @Test("A larger value is drawn higher, inside the frame")
  func upwards() throws {
    let elements = try elements(of: chart([.init(x: 0, y: -3), .init(x: 1, y: 1e6)]))
    let line = try #require(elements.paths.first { $0.class == "line0" }).d
    let ys = line.dropFirst().split(separator: "L").compactMap {
      Double($0.split(separator: " ")[1])
    }
    #expect(ys[0] > ys[1])
    for y in ys { #expect((44...380).contains(y)) }
  }

  @Test("Points without a place are left out, and no points at all is a picture too")
  func unplaceable() throws {
    let strange: [LineChart.Point] = [
      .init(x: 0, y: 1), .init(x: .nan, y: 1), .init(x: 2, y: .infinity), .init(x: -1, y: 1),
    ]
    let svg = chart(strange, .log2).svg
    #expect(!svg.contains("nan") && !svg.contains("inf"))
    _ = try elements(of: chart([]))
    _ = try elements(of: chart([.init(x: 5, y: 5)], .log2))
  }

  @Test("A band is one area from its upper ends to its lower ones")
  func band() throws {
    let points = [0.0, 1, 2].map { LineChart.Point(x: $0, y: $0, band: $0 - 1...$0 + 1) }
    let elements = try elements(of: chart(points))
    let area = try #require(elements.paths.first { $0.class == "fill0" }).d
    #expect(area.hasSuffix("Z"))
    #expect(area.split(separator: "L").count == 6)
  }
}
