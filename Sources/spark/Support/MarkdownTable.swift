/// Rows of cells as a Markdown table that is readable as it is: the first columns to the left, the others to the right.
enum MarkdownTable {
  static func text(_ rows: [[String]], leading: Int = 1) -> String {
    guard let first = rows.first else { return "" }
    let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |\n" }
    let rule = first.indices.map { column in
      let dashes = String(repeating: "-", count: max(3, widths[column]))
      return column < leading ? dashes : dashes.dropLast() + ":"
    }
    var lines = rows.map { row in
      line(
        row.indices.map { column in
          let room = String(
            repeating: " ", count: max(3, widths[column]) - row[column].count)
          return column < leading ? row[column] + room : room + row[column]
        })
    }
    lines.insert(line(rule), at: 1)
    return lines.joined()
  }
}
