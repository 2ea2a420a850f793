/// A table that reads well as plain text and as Markdown.
package struct MarkdownTable: CustomStringConvertible {
  package var head: [String]
  package var rows: [[String]] = []

  package init(head: [String]) { self.head = head }

  package var description: String {
    let widths = head.indices.map { column in
      max(3, ([head] + rows).map { $0[column].count }.max() ?? 0)
    }
    func line(_ cells: [String]) -> String {
      "| "
        + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        .joined(separator: " | ") + " |\n"
    }
    return line(head) + line(widths.map { String(repeating: "-", count: $0) })
      + rows.map(line).joined()
  }
}
