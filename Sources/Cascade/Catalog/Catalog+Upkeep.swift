internal import Cache
internal import GRDB

/// Checking and tidying the catalog's file.
extension Catalog {
  /// What is wrong with it.
  package struct Condition: Sendable, Equatable {
    /// What SQLite says of its pages and indexes, at most a hundred lines; empty when they are whole.
    package var findings: [String] = []
    /// Rows that belong to others that are not there, by table.
    package var orphans: [String: Int] = [:]

    package var isWhole: Bool { findings.isEmpty && orphans.isEmpty }
  }

  /// Compares everything in it.
  package func condition() throws(CatalogError) -> Condition {
    try read { db in
      var condition = Condition()
      let findings = try String.fetchAll(db, sql: "PRAGMA integrity_check(100)")
      if findings != ["ok"] { condition.findings = findings.flatMap(Self.lines) }
      let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check")
      for row in orphans { condition.orphans[row["table"] ?? "", default: 0] += 1 }
      return condition
    }
  }

  /// SQLite writes several findings in one text.
  private static func lines(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map(String.init)
  }

  /// What conversations take in it.
  package struct TurnFigures: Sendable, Equatable {
    package var turns = 0
    /// Of texts, and of the tokens and names of blocks that were made of them.
    package var bytes = 0

    package init() {}
  }

  package func turnFigures() throws(CatalogError) -> TurnFigures {
    try read { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT count(*) AS turns, coalesce(sum(
            length(text) + coalesce(length(tokens), 0) + coalesce(length(blocks), 0)
            + coalesce(length(tail), 0)), 0) AS bytes FROM turn
          """)
      var figures = TurnFigures()
      if let row { (figures.turns, figures.bytes) = (row["turns"], row["bytes"]) }
      return figures
    }
  }

  // MARK: - Tidying

  /// Takes out rows that belong to others that are not there.
  ///
  /// - Returns: how many.
  package func removeOrphans() throws(CatalogError) -> Int {
    try writeDurably { db in try Self.removeOrphans(db) }
  }

  static func removeOrphans(_ db: Database) throws -> Int {
    var count = 0
    for orphans in [
      "turn WHERE session NOT IN (SELECT id FROM session)",
      "concept_link WHERE concept NOT IN (SELECT id FROM concept)",
    ] {
      try db.execute(sql: "DELETE FROM \(orphans)")
      count += db.changesCount
    }
    try db.execute(
      sql: """
        UPDATE session SET forked_from = NULL WHERE forked_from NOT IN (SELECT id FROM session)
        """)
    return count + db.changesCount
  }

  /// Has a session be read from its text from the first turn on that needs the block with number `first` of
  /// its sequence; nil: only the block that was not full is not to be used.
  package func dropSequence(of session: Int64, fromBlock first: Int?) throws(CatalogError) {
    try writeDurably { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT number, start, length(blocks) / 16 AS blocks FROM turn
          WHERE session = ? AND start IS NOT NULL ORDER BY number
          """, arguments: [session])
      var count = 0
      var found: Int?
      for row in rows {
        // A sequence of its own: what comes before it is not asked for any more.
        if row["start"] == 0 { (count, found) = (0, nil) }
        count += row["blocks"] ?? 0
        if let first, found == nil, count > first { found = row["number"] }
      }
      if let found { try Self.dropSequence(from: found, of: session, db) }
      // What a turn has left unfilled the next one has outgrown: it goes with what is left.
      if found != nil || first == nil {
        try db.execute(
          sql: """
            UPDATE turn SET tail = NULL WHERE session = ?1 AND number = (
              SELECT max(number) FROM turn WHERE session = ?1 AND start IS NOT NULL)
            """, arguments: [session])
      }
    }
  }

  /// Writes the file anew without what was deleted, and empties its log.
  ///
  /// - Returns: false when another process is at work in it, and it is left as it is.
  package func compact() throws(CatalogError) -> Bool {
    do throws(CatalogError) {
      try vacuum()
    } catch {
      if error.code == .busy { return false }
      throw error
    }
    return try purge()
  }
}
