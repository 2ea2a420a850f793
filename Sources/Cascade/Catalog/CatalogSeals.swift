internal import Cache
internal import GRDB

/// What tells that sessions and turns are what was written.
///
/// SQLite has no checksums: a flipped bit in a text is another text, and one in a key is a turn that
/// nobody finds. So each session's row has a seal over all of its columns, one of which, `said`, is
/// the sum of the seals of its turns. Triggers keep both, whoever writes.
///
/// A seal is 48 bits of an XXH64: sums of 32,000 of them fit SQLite's numbers. It finds damage, not
/// malice.
enum CatalogSeals {
  private static let turn = ["number", "role", "text", "time", "start", "tokens", "blocks", "tail"]
  private static let session = [
    "id", "namespace", "name", "memory", "model", "model_name", "template", "created", "used",
    "pinned", "forked_from", "root", "settings", "said",
  ]

  /// SQL of a seal over columns of a row.
  private static func seal(_ columns: [String], of row: String) -> String {
    "spark_seal(\(columns.map { "\(row).\($0)" }.joined(separator: ", ")))"
  }

  /// What SQL calls `spark_seal`. To be told to every connection.
  static var function: DatabaseFunction {
    DatabaseFunction("spark_seal", pure: true) { values in
      // Each value with its kind and its length, so that no two rows are the same bytes.
      var bytes: [UInt8] = []
      func append(_ kind: UInt8, _ content: [UInt8]) {
        bytes.append(kind)
        for shift in stride(from: 0, to: 64, by: 8) {
          bytes.append(UInt8(truncatingIfNeeded: content.count >> shift))
        }
        bytes += content
      }
      func eight(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
      }
      for value in values {
        switch value.storage {
        case .null: append(0, [])
        case .int64(let number): append(1, eight(UInt64(bitPattern: number)))
        case .double(let number): append(2, eight(number.bitPattern))
        case .string(let text): append(3, Array(text.utf8))
        case .blob(let data): append(4, [UInt8](data))
        }
      }
      return Int64(Checksum.xxh64(bytes) >> 16)
    }
  }

  // MARK: - Keeping

  /// Seals what is there, and has what comes be sealed.
  static func create(_ db: Database) throws {
    let sealed = session.dropLast().joined(separator: ", ")
    try db.execute(
      sql: """
        ALTER TABLE session ADD COLUMN said INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE session ADD COLUMN seal INTEGER;
        UPDATE session SET said = (
          SELECT coalesce(sum(\(seal(turn, of: "turn"))), 0) FROM turn WHERE session = session.id);
        UPDATE session SET seal = \(seal(session, of: "session"));
        CREATE TRIGGER turn_said AFTER INSERT ON turn BEGIN
          UPDATE session SET said = said + \(seal(turn, of: "NEW")) WHERE id = NEW.session;
        END;
        CREATE TRIGGER turn_changed AFTER UPDATE ON turn BEGIN
          UPDATE session SET said = said - \(seal(turn, of: "OLD")) WHERE id = OLD.session;
          UPDATE session SET said = said + \(seal(turn, of: "NEW")) WHERE id = NEW.session;
        END;
        CREATE TRIGGER turn_taken_back AFTER DELETE ON turn BEGIN
          UPDATE session SET said = said - \(seal(turn, of: "OLD")) WHERE id = OLD.session;
        END;
        -- Nothing is said in it yet, whatever row it was copied from.
        CREATE TRIGGER session_begun AFTER INSERT ON session BEGIN
          UPDATE session SET said = 0 WHERE id = NEW.id;
        END;
        CREATE TRIGGER session_changed AFTER UPDATE OF \(sealed), said ON session BEGIN
          UPDATE session SET seal = \(seal(session, of: "session")) WHERE id = NEW.id;
        END;
        """)
  }

  // MARK: - Checking

  /// - Throws: when a session's row is not what was written; nil: when any one's is not.
  static func checkSession(_ id: Int64?, _ db: Database) throws {
    let broken = try String.fetchOne(
      db,
      sql: """
        SELECT name FROM session
        WHERE (?1 IS NULL OR id = ?1) AND seal IS NOT \(seal(session, of: "session"))
        """, arguments: [id])
    if let broken { throw damage("what it has of the session \(broken)") }
  }

  /// - Throws: when a session's row or one of its turns is not what was written, or a turn is gone.
  static func checkTurns(of id: Int64, _ db: Database) throws {
    try checkSession(id, db)
    let broken = try String.fetchOne(
      db,
      sql: """
        SELECT name FROM session WHERE id = ?1 AND said IS NOT (
          SELECT coalesce(sum(\(seal(turn, of: "turn"))), 0) FROM turn WHERE session = ?1)
        """, arguments: [id])
    if let broken { throw damage("what was said in the session \(broken)") }
  }

  private static func damage(_ what: String) -> DatabaseError {
    DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(what) is not what was written")
  }
}
