import FoundationEssentials
import Generation

/// A conversation that is kept, as JSON and in a table.
struct SessionRecord: Encodable {
  var namespace: String
  var name: String
  var model: String
  var template: String
  /// Seconds since 1970.
  var created: Int64
  var used: Int64
  var isPinned: Bool
  var forkedFrom: String?
  var turns: Int

  init(_ session: SessionDescription) {
    namespace = session.namespace
    name = session.name
    model = session.modelName
    template = session.template
    created = session.created
    used = session.used
    isPinned = session.isPinned
    forkedFrom = session.forkedFrom
    turns = session.turns
  }

  /// One line each, below a heading.
  static func table(_ sessions: [SessionRecord], now: Date = .now) -> String {
    guard !sessions.isEmpty else { return "No sessions.\n" }
    let rows =
      [["namespace", "session", "turns", "used", "model", ""]]
      + sessions.map { session in
        let age = max(0, Int64(now.timeIntervalSince1970) - session.used)
        let notes =
          [session.isPinned ? "pinned" : nil, session.forkedFrom.map { "fork of \($0)" }]
          .compactMap(\.self).joined(separator: ", ")
        return [
          session.namespace, session.name, "\(session.turns)", "\(age.asSpan) ago", session.model,
          notes,
        ].map { visible(Array($0.utf8)) }
      }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() where !cell.isEmpty {
        if column > 0 { line += "  " }
        line += cell
        if column < row.count - 1, !row[(column + 1)...].allSatisfy({ $0.isEmpty }) {
          line += String(repeating: " ", count: widths[column] - cell.count)
        }
      }
      return line + "\n"
    }.joined()
  }
}
