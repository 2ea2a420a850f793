internal import Cache
internal import GRDB

/// Conversations and their turns.
extension Catalog {
  private static let columns = """
    SELECT s.*, origin.name AS origin,
      (SELECT count(*) FROM turn WHERE turn.session = s.id AND number > 0) AS turns
    FROM session AS s LEFT JOIN session AS origin ON origin.id = s.forked_from
    """

  private static func session(_ row: Row) -> KeptSession? {
    guard let model = BlockIdentity(column: row.bytes("model")) else { return nil }
    return KeptSession(
      id: row["id"], namespace: row["namespace"], name: row["name"], memory: row["memory"],
      model: model, modelName: row["model_name"], template: row["template"],
      created: row["created"], used: row["used"], isPinned: row["pinned"],
      forkedFrom: row["origin"], turns: row["turns"])
  }

  // MARK: - Looking

  /// The sessions of a namespace, or of all: the one used last first.
  package func sessions(in namespace: String? = nil) throws(CatalogError) -> [KeptSession] {
    try read { db in
      try CatalogSeals.checkSession(nil, db)
      let rows = try Row.fetchAll(
        db,
        sql: Self.columns + " WHERE ?1 IS NULL OR s.namespace = ?1 ORDER BY s.used DESC, s.id DESC",
        arguments: [namespace])
      return rows.compactMap(Self.session)
    }
  }

  package func session(
    named name: String, in namespace: String
  ) throws(CatalogError) -> KeptSession? {
    try read { db in
      let id = try Int64.fetchOne(
        db, sql: "SELECT id FROM session WHERE namespace = ? AND name = ?",
        arguments: [namespace, name])
      // One that is not found may have another name by damage.
      try CatalogSeals.checkSession(id, db)
      return try id.flatMap { try Self.session($0, db) }
    }
  }

  package func session(_ id: Int64) throws(CatalogError) -> KeptSession? {
    try read { db in try Self.session(id, db) }
  }

  static func session(_ id: Int64, _ db: Database) throws -> KeptSession? {
    try CatalogSeals.checkSession(id, db)
    return try Row.fetchOne(db, sql: columns + " WHERE s.id = ?", arguments: [id]).flatMap(session)
  }

  /// In order.
  package func turns(of session: Int64) throws(CatalogError) -> [KeptTurn] {
    try read { db in try Self.turns(of: session, db) }
  }

  /// - Throws: also when they are not what was written.
  static func turns(of session: Int64, _ db: Database) throws -> [KeptTurn] {
    try CatalogSeals.checkTurns(of: session, db)
    let rows = try Row.fetchAll(
      db, sql: "SELECT number, role, text, time FROM turn WHERE session = ? ORDER BY number",
      arguments: [session])
    return rows.map {
      KeptTurn(
        number: $0["number"], role: $0["role"],
        text: String(decoding: $0.bytes("text"), as: UTF8.self), time: $0["time"])
    }
  }

  // MARK: - Beginning and going on

  /// Begins a session; nil when the namespace has one of this name.
  package func begin(_ new: NewSession) throws(CatalogError) -> KeptSession? {
    try writeDurably { db in
      try CatalogSeals.checkSession(nil, db)
      guard let id = try Self.insert(new, forkedFrom: nil, db) else { return nil }
      return try Self.session(id, db)
    }
  }

  /// What memory is to know a session ?2 of the namespace ?1 by: its name, unless a renamed session keeps
  /// that.
  static let memoryName = """
    CASE WHEN EXISTS (SELECT 1 FROM session WHERE namespace = ?1 AND memory = ?2)
    THEN ?2 || ' #' || (1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'session'), 0))
    ELSE ?2 END
    """

  private static func insert(
    _ new: NewSession, forkedFrom origin: Int64?, _ db: Database
  ) throws -> Int64? {
    try db.execute(
      sql: """
        INSERT INTO session
          (namespace, name, memory, model, model_name, template, created, used, forked_from)
        SELECT ?1, ?2, \(memoryName), ?3, ?4, ?5, ?6, ?6, ?7
        WHERE NOT EXISTS (SELECT 1 FROM session WHERE namespace = ?1 AND name = ?2)
        """,
      arguments: [
        new.namespace, new.name, new.model.column.argument, new.modelName, new.template,
        new.created, origin,
      ])
    return db.changesCount > 0 ? db.lastInsertedRowID : nil
  }

  /// Begins a session of another one's turns; nil when the namespace has one of this name, or the
  /// other is gone.
  package func fork(
    _ origin: Int64, as name: String, at now: Int64
  ) throws(CatalogError) -> KeptSession? {
    try writeDurably { db in
      guard let from = try Self.session(origin, db) else { return nil }
      try CatalogSeals.checkTurns(of: origin, db)
      let new = NewSession(
        namespace: from.namespace, name: name, model: from.model, modelName: from.modelName,
        template: from.template, created: now)
      guard let id = try Self.insert(new, forkedFrom: origin, db) else { return nil }
      try db.execute(
        sql: """
          INSERT INTO turn (session, number, role, text, time, start, tokens, blocks, tail)
          SELECT ?, number, role, text, time, start, tokens, blocks, tail FROM turn
          WHERE session = ?
          """, arguments: [id, origin])
      try db.execute(
        sql: """
          UPDATE session SET (root, settings) = (
            SELECT root, settings FROM session WHERE id = ?2) WHERE id = ?1
          """, arguments: [id, origin])
      return try Self.session(id, db)
    }
  }

  /// Adds a question and its reply, both or neither.
  ///
  /// - Parameters:
  ///   - replacing: the question that it takes the place of, with all that came after; nil: it comes
  ///     after all.
  ///   - sequence: what all turns have become with it; nil when that is not known.
  ///   - settings: how replies are made, as the caller writes it; nil: as before.
  /// - Returns: false when the session is gone.
  package func append(
    question: String, reply: String, replacing: Int? = nil, sequence: KeptSequence? = nil,
    settings: [UInt8]? = nil, to session: Int64, at now: Int64
  ) throws(CatalogError) -> Bool {
    try writeDurably { db in
      try db.execute(sql: "UPDATE session SET used = ? WHERE id = ?", arguments: [now, session])
      guard db.changesCount > 0 else { return false }
      if let replacing {
        try db.execute(
          sql: "DELETE FROM turn WHERE session = ? AND number >= ?",
          arguments: [session, replacing])
      }
      let last =
        try Int.fetchOne(
          db, sql: "SELECT max(number) FROM turn WHERE session = ?", arguments: [session]) ?? 0
      // Whatever was taken out, questions are odd.
      let number = last + 1 + last % 2
      for (number, role, text) in [(number, "user", question), (number + 1, "assistant", reply)] {
        try Self.insert(text, role, number, of: session, at: now, db)
      }
      if let sequence { try Self.put(sequence, at: number + 1, of: session, db) }
      if let settings { try Self.put(settings: settings, of: session, db) }
      return true
    }
  }

  /// Says what the model is to be; nil: nothing in particular.
  package func setInstructions(
    _ text: String?, of session: Int64, at now: Int64
  ) throws(CatalogError) -> Bool {
    try writeDurably { db in
      try db.execute(sql: "UPDATE session SET used = ? WHERE id = ?", arguments: [now, session])
      guard db.changesCount > 0 else { return false }
      try db.execute(sql: "DELETE FROM turn WHERE session = ? AND number = 0", arguments: [session])
      if let text { try Self.insert(text, "system", 0, of: session, at: now, db) }
      try Self.dropSequence(from: 0, of: session, db)
      return true
    }
  }

  private static func insert(
    _ text: String, _ role: String, _ number: Int, of session: Int64, at now: Int64, _ db: Database
  ) throws {
    try db.execute(
      sql: "INSERT INTO turn (session, number, role, text, time) VALUES (?, ?, ?, ?, ?)",
      arguments: [session, number, role, Array(text.utf8).argument, now])
  }

  // MARK: - Changing

  /// - Returns: false when the namespace has a session of this name.
  package func rename(_ session: Int64, to name: String) throws(CatalogError) -> Bool {
    try writeDurably { db in
      try db.execute(
        sql: """
          UPDATE session SET name = ?2 WHERE id = ?1 AND NOT EXISTS (
            SELECT 1 FROM session AS other WHERE other.namespace = session.namespace
              AND other.name = ?2 AND other.id != ?1)
          """, arguments: [session, name])
      return db.changesCount > 0
    }
  }

  package func pin(_ session: Int64, _ isPinned: Bool) throws(CatalogError) {
    try writeDurably { db in
      try db.execute(
        sql: "UPDATE session SET pinned = ? WHERE id = ?", arguments: [isPinned, session])
    }
  }

  /// Takes out the last question and its reply.
  ///
  /// - Returns: false when there is none.
  package func removeLastExchange(of session: Int64) throws(CatalogError) -> Bool {
    try writeDurably { db in
      try db.execute(
        sql: """
          DELETE FROM turn WHERE session = ?1 AND number > 0 AND number >= (
            SELECT max(number) - 1 FROM turn WHERE session = ?1)
          """, arguments: [session])
      return db.changesCount > 0
    }
  }

  /// Deletes a session with its turns. ``purge()`` takes them from the log.
  package func delete(_ session: Int64) throws(CatalogError) {
    try writeDurably { db in
      try db.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [session])
    }
  }

  // MARK: - Forgetting

  /// Which sessions, or turns of them, go when something is forgotten.
  package enum Spoken: Sendable {
    /// What memory knows by this name.
    case session(String)
    /// Questions and replies in which either says these bytes.
    case containing(String)
    case everything
  }

  private static func clause(
    _ spoken: Spoken, _ namespace: String
  ) -> (sql: String, arguments: StatementArguments) {
    switch spoken {
    case .session(let memory):
      ("s.namespace = ? AND s.memory = ?", [namespace, memory])
    case .everything: ("s.namespace = ?", [namespace])
    case .containing(let text):
      (
        """
        s.namespace = ? AND EXISTS (
          SELECT 1 FROM turn AS other WHERE other.session = turn.session
            AND (other.number + 1) / 2 = (turn.number + 1) / 2 AND instr(other.text, ?) > 0)
        """, [namespace, Array(text.utf8).argument]
      )
    }
  }

  /// Sessions of which ``forget(_:in:)`` would forget turns.
  package func sessions(
    saying spoken: Spoken, in namespace: String
  ) throws(CatalogError) -> Set<Int64> {
    try read { db in
      let (clause, arguments) = Self.clause(spoken, namespace)
      return try Int64.fetchSet(
        db,
        sql: """
          SELECT DISTINCT turn.session FROM turn JOIN session AS s ON s.id = turn.session
          WHERE \(clause)
          """, arguments: arguments)
    }
  }

  /// Turns that ``forget(_:in:)`` would forget.
  package func count(_ spoken: Spoken, in namespace: String) throws(CatalogError) -> Int {
    try read { db in
      let (clause, arguments) = Self.clause(spoken, namespace)
      return try Int.fetchOne(
        db,
        sql: "SELECT count(*) FROM turn JOIN session AS s ON s.id = turn.session WHERE \(clause)",
        arguments: arguments) ?? 0
    }
  }

  /// Forgets what was said. ``purge()`` takes it from the log.
  ///
  /// - Returns: turns.
  package func forget(_ spoken: Spoken, in namespace: String) throws(CatalogError) -> Int {
    try writeDurably { db in
      let (clause, arguments) = Self.clause(spoken, namespace)
      // All was read behind what the model was told to be, and begins with it.
      let told = try Int64.fetchAll(
        db,
        sql: """
          SELECT session FROM turn JOIN session AS s ON s.id = turn.session
          WHERE number = 0 AND \(clause)
          """, arguments: arguments)
      for session in told { try Self.dropSequence(from: 0, of: session, db) }
      try db.execute(
        sql: """
          DELETE FROM turn WHERE (session, number) IN (
            SELECT turn.session, turn.number FROM turn JOIN session AS s ON s.id = turn.session
            WHERE \(clause))
          """, arguments: arguments)
      let turns = db.changesCount
      try Self.dropBrokenSequences(db)
      switch spoken {
      case .containing: break
      case .session(let memory):
        try db.execute(
          sql: "DELETE FROM session WHERE namespace = ? AND memory = ?",
          arguments: [namespace, memory])
      case .everything:
        try db.execute(sql: "DELETE FROM session WHERE namespace = ?", arguments: [namespace])
      }
      return turns
    }
  }
}
