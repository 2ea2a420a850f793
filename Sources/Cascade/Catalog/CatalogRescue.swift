internal import Cache
internal import GRDB
internal import Glibc

/// Begins a catalog anew, with what can be read of a damaged one.
///
/// SQLite tells of damage by refusing to read on. So each table is read from its beginning, and again from
/// its end, as far as that goes. The damaged file is renamed, never removed.
package enum CatalogRescue {
  /// What has come of it.
  package struct Result: Sendable, Equatable {
    /// Where the damaged file is now.
    package var movedTo: String
    /// Sessions and turns that the new catalog has.
    package var sessions = 0
    package var turns = 0
    /// Names of those sessions of which turns are missing or not what was said.
    package var broken: [String] = []
  }

  /// Nobody else may have the catalog open.
  ///
  /// - Parameters:
  ///   - directory: the store's folder.
  ///   - suffix: what the damaged file's name gets behind a full stop.
  package static func run(in directory: String, suffix: String) throws(CatalogError) -> Result {
    let path = "\(directory)/\(Catalog.fileName)"
    // Whole before it gets the name: a process that is killed here has changed nothing.
    let draft = "\(path).rescue"
    for ending in endings { _ = unsafe unlink(draft + ending) }
    var result = Result(movedTo: "\(path).\(suffix)")
    // Two in one second: what is kept is not written over.
    while endings.contains(where: { unsafe access(result.movedTo + $0, F_OK) == 0 }) {
      result.movedTo += "-again"
    }
    do {
      let catalog = try Catalog(path: draft)
      result.broken = try copy(from: path, to: catalog)
      (result.sessions, result.turns) = try catalog.read { db in
        (
          try Int.fetchOne(db, sql: "SELECT count(*) FROM session") ?? 0,
          try Int.fetchOne(db, sql: "SELECT count(*) FROM turn") ?? 0
        )
      }
      _ = try catalog.purge()
    }
    for ending in endings { try move(path + ending, to: result.movedTo + ending) }
    try move(draft, to: path)
    for ending in endings.dropFirst() { _ = unsafe unlink(draft + ending) }
    let folder = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
    return result
  }

  /// The file and those that SQLite keeps beside it.
  private static let endings = ["", "-wal", "-shm"]

  private static func move(_ path: String, to newPath: String) throws(CatalogError) {
    if unsafe rename(path, newPath) == 0 || errno == ENOENT { return }
    let reason = unsafe String(cString: strerror(errno))
    throw CatalogError(
      .inaccessible, "\(path) cannot be renamed (\(reason)); give its folder write permission.")
  }

  /// - Returns: the names of sessions whose turns are not those that were sealed.
  private static func copy(from path: String, to catalog: Catalog) throws(CatalogError) -> [String]
  {
    // What cannot be opened at all has nothing to give.
    guard let damaged = try? DatabaseQueue(path: path) else { return [] }
    // As they came to be, one that refers to another is behind it.
    let tables = try catalog.read { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
            AND name != 'grdb_migrations' ORDER BY rowid
          """)
    }
    try catalog.write { db in
      // A row may come before the one that it refers to, which may be lost.
      try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
      for table in tables { try copy(table, from: damaged, to: db) }
      _ = try Catalog.removeOrphans(db)
    }
    return try catalog.read { db in
      let seals = "SELECT id, said FROM session"
      let before = try? damaged.read { db in
        try Row.fetchAll(db, sql: seals).reduce(into: [Int64: DatabaseValue]()) {
          $0[$1["id"]] = $1["said"]
        }
      }
      return try Row.fetchAll(db, sql: "SELECT id, said, name FROM session ORDER BY id")
        .filter { before?[$0["id"]] != ($0["said"] as DatabaseValue) }.map { $0["name"] }
    }
  }

  private static func copy(
    _ table: String, from damaged: DatabaseQueue, to db: Database
  ) throws {
    let columns = try db.columns(in: table).map(\.name)
    let places = columns.map { _ in "?" }.joined(separator: ",")
    for order in ["ASC", "DESC"] {
      let keys = try db.primaryKey(table).columns.map { "\($0) \(order)" }.joined(separator: ",")
      var rows: [[DatabaseValue]] = []
      try? damaged.read { damaged in
        let known = Set(try damaged.columns(in: table).map(\.name))
        let list = columns.map { known.contains($0) ? $0 : "NULL" }.joined(separator: ",")
        let cursor = try Row.fetchCursor(
          damaged, sql: "SELECT \(list) FROM \(table) ORDER BY \(keys)")
        while let row = try cursor.next() { rows.append(Array(row.databaseValues)) }
      }
      for row in rows {
        // A row that the table's rules refuse is damaged too.
        try? db.execute(
          sql: "INSERT OR IGNORE INTO \(table) VALUES (\(places))",
          arguments: StatementArguments(row))
      }
    }
  }
}

extension EpisodeStore {
  /// Begins the catalog anew; see ``CatalogRescue``. Nothing that was read of it before may be in use.
  ///
  /// - Returns: nil, and nothing was done, when another process has the store open, or a session is in use.
  package func rescueCatalog(
    suffix: String
  ) throws(CatalogError) -> CatalogRescue.Result? {
    guard let directory, SessionLock.held(in: directory).isEmpty else { return nil }
    openCatalog = nil
    var outcome: Swift.Result<CatalogRescue.Result, CatalogError>?
    let isAlone = try? tiers.alone {
      do throws(CatalogError) {
        outcome = .success(try CatalogRescue.run(in: directory, suffix: suffix))
      } catch {
        outcome = .failure(error)
      }
    }
    guard isAlone == true else { return nil }
    return try outcome?.get()
  }
}
