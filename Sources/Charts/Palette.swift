/// The colours of a chart, as style classes with a dark variant.
///
/// The hues are those of M. Okabe and K. Ito, "Color universal design", 2008, darkened or lightened
/// for contrast with the paper.
enum Palette {
  private static let light = [
    "#0072b2", "#d55e00", "#008a63", "#b0508a", "#a07000", "#2f8fc4", "#444444", "#8a5a2b",
  ]
  private static let dark = [
    "#4da8e0", "#ff8a3d", "#2fc79a", "#e08fc0", "#e0b040", "#8fd0f5", "#bbbbbb", "#c99a6b",
  ]

  static func index(_ series: Int) -> Int { series % light.count }

  static var style: String {
    let day = rules(paper: "#ffffff", ink: "#24292f", grid: "#d0d7de", light)
    let night = rules(paper: "#0d1117", ink: "#e6edf3", grid: "#30363d", dark)
    return "<style>\(day)@media(prefers-color-scheme:dark){\(night)}</style>"
  }

  private static func rules(
    paper: String, ink: String, grid: String, _ colours: [String]
  ) -> String {
    ".paper{fill:\(paper)}.ink{fill:\(ink)}.grid{stroke:\(grid)}"
      + colours.enumerated()
      .map { ".line\($0){stroke:\($1)}.fill\($0){fill:\($1)}" }.joined()
  }
}
