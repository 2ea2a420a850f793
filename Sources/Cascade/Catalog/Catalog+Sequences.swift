package import Cache
internal import GRDB
internal import Model

/// What sessions' turns have become as sequences of tokens and blocks.
extension Catalog {
  /// A session's sequence, and the number of the last turn that it says; nil when it has to be read from
  /// the text.
  ///
  /// - Parameter last: no turns behind this one.
  package func sequence(
    of session: Int64, through last: Int = .max
  ) throws(CatalogError) -> (sequence: KeptSequence, lastTurn: Int)? {
    try read { db in
      try CatalogSeals.checkTurns(of: session, db)
      return try Self.sequence(of: session, through: last, db)
    }
  }

  static func sequence(
    of session: Int64, through last: Int = .max, _ db: Database
  ) throws -> (sequence: KeptSequence, lastTurn: Int)? {
    let root = try Row.fetchOne(
      db, sql: "SELECT root FROM session WHERE id = ?", arguments: [session])
    guard let root = root.flatMap({ BlockIdentity(column: $0.bytes("root")) }) else { return nil }
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT number, start, tokens, blocks, tail FROM turn
        WHERE session = ? AND number <= ? AND start IS NOT NULL ORDER BY number
        """, arguments: [session, last])
    var found: (sequence: KeptSequence, lastTurn: Int)?
    while let row = try rows.next() {
      if row["start"] == 0 {
        found = (KeptSequence(root: root, tokens: [], blocks: [], tail: nil), 0)
      }
      // Between two rows of one sequence nothing is missing: see `dropBrokenSequences`.
      guard row["start"] == found?.sequence.tokens.count else { return nil }
      found!.sequence.tokens += [TokenID](column: row.bytes("tokens"))
      found!.sequence.blocks += [BlockIdentity](column: row.bytes("blocks"))
      found!.sequence.tail = BlockIdentity(column: row.bytes("tail"))
      found!.lastTurn = row["number"]
    }
    return found
  }

  /// Writes in a reply's row what has come to the sequence with it.
  static func put(
    _ sequence: KeptSequence, at number: Int, of session: Int64, _ db: Database
  ) throws {
    let before = try Self.sequence(of: session, db)?.sequence
    let isContinued = before.map {
      $0.root == sequence.root && sequence.tokens.starts(with: $0.tokens)
        && sequence.blocks.starts(with: $0.blocks)
    }
    let (start, blocks) =
      isContinued == true ? (before!.tokens.count, before!.blocks.count) : (0, 0)
    try db.execute(
      sql: "UPDATE session SET root = ? WHERE id = ?",
      arguments: [sequence.root.column.argument, session])
    try db.execute(
      sql: """
        UPDATE turn SET start = ?, tokens = ?, blocks = ?, tail = ? WHERE session = ? AND number = ?
        """,
      arguments: [
        start, Array(sequence.tokens[start...]).column.argument,
        Array(sequence.blocks[blocks...]).column.argument, sequence.tail?.column.argument, session,
        number,
      ])
  }

  /// Has a session's turns be read from their text, those from `number` on.
  static func dropSequence(from number: Int, of session: Int64, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE turn SET start = NULL, tokens = NULL, blocks = NULL, tail = NULL
        WHERE session = ? AND number >= ?
        """, arguments: [session, number])
  }

  /// The same for what comes behind turns that are not there any more: what was said after them was
  /// computed with them in sight.
  static func dropBrokenSequences(_ db: Database) throws {
    let gaps = try Row.fetchAll(
      db,
      sql: """
        SELECT session, min(number) AS number FROM turn
        WHERE number > 1 AND NOT EXISTS (
          SELECT 1 FROM turn AS other
          WHERE other.session = turn.session AND other.number = turn.number - 1)
        GROUP BY session
        """)
    for gap in gaps { try dropSequence(from: gap["number"], of: gap["session"], db) }
  }

  /// Has a session go on with another model, or in another template: all is read from the text.
  package func rebind(
    _ session: Int64, model: BlockIdentity, modelName: String, template: String
  ) throws(CatalogError) {
    try writeDurably { db in
      try db.execute(
        sql: "UPDATE session SET model = ?, model_name = ?, template = ? WHERE id = ?",
        arguments: [model.column.argument, modelName, template, session])
      try Self.dropSequence(from: 0, of: session, db)
    }
  }

  /// Takes the names of blocks out: sessions that have them go on from what comes before, and read the
  /// rest from its text. ``purge()`` takes them from the log.
  package func forget(blocks: Set<BlockIdentity>) throws(CatalogError) {
    try write { db in
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT session, number, blocks, tail FROM turn WHERE start IS NOT NULL
          ORDER BY session, number
          """)
      var first: [Int64: Int] = [:]
      while let row = try rows.next() {
        let session: Int64 = row["session"]
        guard first[session] == nil else { continue }
        let names = [BlockIdentity](column: row.bytes("blocks") + row.bytes("tail"))
        if names.contains(where: blocks.contains) { first[session] = row["number"] }
      }
      for (session, number) in first { try Self.dropSequence(from: number, of: session, db) }
    }
  }

  // MARK: - Settings

  /// How a session's replies are made, as the caller has written it; nil when it has not.
  package func settings(of session: Int64) throws(CatalogError) -> [UInt8]? {
    try read { db in
      try CatalogSeals.checkSession(session, db)
      let row = try Row.fetchOne(
        db, sql: "SELECT settings FROM session WHERE id = ? AND settings IS NOT NULL",
        arguments: [session])
      return row?.bytes("settings")
    }
  }

  static func put(settings: [UInt8], of session: Int64, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE session SET settings = ? WHERE id = ?", arguments: [settings.argument, session])
  }
}
