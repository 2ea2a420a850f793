package import Cache
internal import GRDB
internal import Model

/// Sessions as a whole, as they leave the catalog and come into it.
extension Catalog {
  /// All that the catalog knows of a session, as of one moment; nil when it is gone.
  package func whole(_ session: Int64) throws(CatalogError) -> WholeSession? {
    try read { db in
      guard let kept = try Self.session(session, db) else { return nil }
      let settings = try Row.fetchOne(
        db, sql: "SELECT settings FROM session WHERE id = ? AND settings IS NOT NULL",
        arguments: [session])
      var whole = WholeSession(
        session: kept, turns: try Self.turns(of: session, db), settings: settings?.bytes("settings")
      )
      guard let found = try Self.sequence(of: session, db) else { return whole }
      whole.sequence = found.sequence
      whole.marks = try Self.marks(of: session, db)
      let plan = try Row.fetchOne(
        db, sql: "SELECT signature FROM plan WHERE root = ?",
        arguments: [found.sequence.root.column.argument])
      whole.signature = plan?["signature"]
      return whole
    }
  }

  /// What each turn has left of the sequence that there is now.
  private static func marks(of session: Int64, _ db: Database) throws -> [SequenceMark] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT number, start, length(tokens) / 4 AS tokens, length(blocks) / 16 AS blocks FROM turn
        WHERE session = ?1 AND number >= (
          SELECT max(number) FROM turn WHERE session = ?1 AND start = 0) AND start IS NOT NULL
        ORDER BY number
        """, arguments: [session])
    var (marks, blocks): ([SequenceMark], Int) = ([], 0)
    for row in rows {
      blocks += row["blocks"] ?? 0
      let start: Int = row["start"]
      marks.append(
        SequenceMark(turn: row["number"], tokens: start + (row["tokens"] ?? 0), blocks: blocks))
    }
    return marks
  }

  /// Begins a session that was held elsewhere, all of it or nothing.
  ///
  /// - Parameter whole: of its session name, namespace, memory, model and template count, and when it
  ///   was begun and used. Its marks are of turns that it has.
  /// - Returns: nil when the name, or what memory knows sessions by, is taken.
  package func adopt(_ whole: WholeSession) throws(CatalogError) -> KeptSession? {
    try writeDurably { db in
      let new = whole.session
      try db.execute(
        sql: """
          INSERT INTO session
            (namespace, name, memory, model, model_name, template, created, used, settings)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
          WHERE NOT EXISTS (
            SELECT 1 FROM session WHERE namespace = ?1 AND (name = ?2 OR memory = ?3))
          """,
        arguments: [
          new.namespace, new.name, new.memory, new.model.column.argument, new.modelName,
          new.template, new.created, new.used, whole.settings?.argument,
        ])
      guard db.changesCount > 0 else { return nil }
      let id = db.lastInsertedRowID
      for turn in whole.turns {
        try db.execute(
          sql: "INSERT INTO turn (session, number, role, text, time) VALUES (?, ?, ?, ?, ?)",
          arguments: [id, turn.number, turn.role, Array(turn.text.utf8).argument, turn.time])
      }
      if let sequence = whole.sequence { try Self.put(sequence, whole.marks, of: id, db) }
      if let sequence = whole.sequence, let signature = whole.signature {
        try Self.note(signature, of: sequence.root, db)
      }
      return try Self.session(id, db)
    }
  }

  private static func put(
    _ sequence: KeptSequence, _ marks: [SequenceMark], of session: Int64, _ db: Database
  ) throws {
    try db.execute(
      sql: "UPDATE session SET root = ? WHERE id = ?",
      arguments: [sequence.root.column.argument, session])
    var last = SequenceMark(turn: 0, tokens: 0, blocks: 0)
    for (index, mark) in marks.enumerated() {
      let tail = index == marks.count - 1 ? sequence.tail : nil
      try db.execute(
        sql: """
          UPDATE turn SET start = ?, tokens = ?, blocks = ?, tail = ?
          WHERE session = ? AND number = ?
          """,
        arguments: [
          last.tokens, Array(sequence.tokens[last.tokens..<mark.tokens]).column.argument,
          Array(sequence.blocks[last.blocks..<mark.blocks]).column.argument,
          tail?.column.argument, session, mark.turn,
        ])
      last = mark
    }
  }

  /// What memory would know a session by that was begun with this name now.
  package func memoryName(for name: String, in namespace: String) throws(CatalogError) -> String {
    try read { db in
      try String.fetchOne(db, sql: "SELECT " + Self.memoryName, arguments: [namespace, name])!
    }
  }

  // MARK: - What roots stand for

  /// Writes down what a root stands for beside model, layout and namespace, so that it can be told in
  /// another namespace.
  package func note(_ signature: String, of root: BlockIdentity) throws(CatalogError) {
    let isKnown = try read { db in
      try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM plan WHERE root = ?)",
        arguments: [root.column.argument])
    }
    guard isKnown != true else { return }
    try write { db in try Self.note(signature, of: root, db) }
  }

  private static func note(_ signature: String, of root: BlockIdentity, _ db: Database) throws {
    try db.execute(
      sql: "INSERT OR IGNORE INTO plan (root, signature) VALUES (?, ?)",
      arguments: [root.column.argument, signature])
  }
}

/// All that the catalog knows of a session.
package struct WholeSession: Sendable, Equatable {
  package var session: KeptSession
  /// In order.
  package var turns: [KeptTurn]
  package var settings: [UInt8]?
  package var sequence: KeptSequence?
  /// Where the sequence stood after each turn, in order; the last one is its end.
  package var marks: [SequenceMark]
  /// What the sequence's root stands for; nil where that was not written down.
  package var signature: String?

  package init(
    session: KeptSession, turns: [KeptTurn], settings: [UInt8]? = nil,
    sequence: KeptSequence? = nil, marks: [SequenceMark] = [], signature: String? = nil
  ) {
    self.session = session
    self.turns = turns
    self.settings = settings
    self.sequence = sequence
    self.marks = marks
    self.signature = signature
  }
}

/// How far a session's sequence had come with a turn.
package struct SequenceMark: Sendable, Equatable {
  package var turn: Int
  package var tokens: Int
  /// Filled ones.
  package var blocks: Int

  package init(turn: Int, tokens: Int, blocks: Int) {
    self.turn = turn
    self.tokens = tokens
    self.blocks = blocks
  }
}
