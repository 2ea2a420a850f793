internal import GRDB
internal import Glibc

/// The store's catalog: what is known of blocks and concepts beside their bytes, in one SQLite file
/// that several processes may have open, or in memory where there is no store.
///
/// What it holds is told in extensions, by the table. Writes are transactions: a process that ends in
/// the middle of one leaves the catalog as it was before. What is deleted is overwritten with zeros.
/// Threads may use it at once; one waits for the other.
package final class Catalog: Sendable {
  /// The file; nil when it is in memory.
  package let path: String?
  private let queue: DatabaseQueue

  /// The file's name in the store's folder.
  package static let fileName = "catalog.sqlite"
  /// How long to wait for another process's transaction, in seconds.
  private static let patience = 5.0

  /// Opens the catalog of the store in `directory`, and makes or brings it up to date if need be.
  ///
  /// - Parameter directory: the store's folder, which must be there; nil: nothing is kept.
  package convenience init(directory: String?) throws(CatalogError) {
    if let directory { try Self.checkPresence(in: directory) }
    try self.init(path: directory.map { "\($0)/\(Self.fileName)" })
  }

  /// - Parameter path: the file; nil: nothing is kept.
  init(path: String?) throws(CatalogError) {
    self.path = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(Self.patience)
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA secure_delete = ON")
      db.add(function: CatalogSeals.function)
    }
    queue = try Self.wrapping(path) {
      if let path {
        configuration.journalMode = .wal
        return try DatabaseQueue(path: path, configuration: configuration)
      }
      return try DatabaseQueue(configuration: configuration)
    }
    try Self.migrate(queue, path)
    // Of what is told by no seal: trees, indexes, free pages. Milliseconds for a megabyte.
    if let path, let finding = try findings().first {
      // A line that names the database comes before the one that tells.
      let finding = finding.split(separator: "\n").last.map(String.init) ?? finding
      throw CatalogError(
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: finding), path: path)
    }
  }

  /// - Throws: when the file has nothing in it though sessions have been held: SQLite would take it for
  ///   a new one.
  private static func checkPresence(in directory: String) throws(CatalogError) {
    let path = "\(directory)/\(fileName)"
    var status = stat()
    let isEmpty = unsafe stat(path, &status) != 0 || status.st_size == 0
    guard isEmpty, SessionLock.haveBeenTaken(in: directory) else { return }
    throw CatalogError(
      .damaged,
      "\(path) is gone or empty, though sessions were held in this store; put back a copy of it, or begin "
        + "another with spark store check --repair.")
  }

  private static func migrate(_ queue: DatabaseQueue, _ path: String?) throws(CatalogError) {
    let migrator = CatalogMigrations.migrator
    let isTooNew = try wrapping(path) { try queue.read { try migrator.hasBeenSuperseded($0) } }
    guard !isTooNew else {
      throw CatalogError(
        .tooNew,
        "\(path ?? "the catalog") was written by a later version of Spark; use that one, or another store."
      )
    }
    do throws(CatalogError) {
      try wrapping(path) { try migrator.migrate(queue) }
    } catch {
      // Another process may have done it meanwhile.
      let isDone = try? queue.read { try migrator.hasCompletedMigrations($0) }
      guard isDone == true else { throw error }
    }
  }

  /// Whether there is a catalog in a store's folder.
  package static func exists(in directory: String) -> Bool {
    unsafe access("\(directory)/\(fileName)", F_OK) == 0
  }

  // MARK: - Use

  func read<R>(_ body: (Database) throws -> R) throws(CatalogError) -> R {
    try Self.wrapping(path) { try queue.read(body) }
  }

  /// Runs `body` in a transaction, which is rolled back when it throws.
  func write<R>(_ body: (Database) throws -> R) throws(CatalogError) -> R {
    try Self.wrapping(path) { try queue.write(body) }
  }

  /// The same, and on disk when it returns: a power cut does not take it back.
  func writeDurably<R>(_ body: (Database) throws -> R) throws(CatalogError) -> R {
    try Self.wrapping(path) {
      try queue.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        defer { try? db.execute(sql: "PRAGMA synchronous = NORMAL") }
        var result: R?
        try db.inTransaction(.immediate) {
          result = try body(db)
          return .commit
        }
        // From the log into the file, where damage is found: of a damaged log SQLite takes what comes
        // before the damage, and says nothing. What a reader keeps from it, the next one does.
        if db.configuration.journalMode == .wal { _ = try? db.checkpoint(.truncate) }
        return result!
      }
    }
  }

  /// Takes what was deleted from the write-ahead log as well.
  ///
  /// - Returns: false when another process is reading, and the log still holds it.
  package func purge() throws(CatalogError) -> Bool {
    guard path != nil else { return true }
    return try Self.wrapping(path) {
      do {
        _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        return true
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
      {
        return false
      }
    }
  }

  func vacuum() throws(CatalogError) {
    try Self.wrapping(path) { try queue.vacuum() }
  }

  /// What SQLite finds wrong with the file; empty when it is whole.
  package func findings() throws(CatalogError) -> [String] {
    let findings = try read { try String.fetchAll($0, sql: "PRAGMA integrity_check(10)") }
    return findings == ["ok"] ? [] : findings
  }

  // MARK: - Errors

  static func wrapping<R>(
    _ path: String?, _ body: () throws -> R
  ) throws(CatalogError) -> R {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw CatalogError(error, path: path ?? "the catalog in memory")
    } catch {
      throw CatalogError(
        .failed, "\(path ?? "the catalog in memory") cannot be used: \("\(error)".oneLine).")
    }
  }
}

extension CatalogError {
  fileprivate init(_ error: DatabaseError, path: String) {
    let reason = (error.message ?? error.resultCode.description).oneLine
    switch error.resultCode {
    case .SQLITE_NOTADB, .SQLITE_CORRUPT:
      self.init(
        .damaged,
        "\(path) is damaged (\(reason)); spark store check --repair keeps it aside, and begins another with "
          + "what can be read of it.")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(.busy, "\(path) is held by another process; try again when it has ended.")
    case .SQLITE_FULL:
      self.init(.full, "\(path) has no room to grow; free some space on its disk.")
    case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      self.init(
        .inaccessible,
        "\(path) cannot be opened for writing (\(reason)); give the folder and its files write "
          + "permission, or use another store.")
    default: self.init(.failed, "\(path) cannot be used (\(reason)); the disk may be failing.")
    }
  }
}

extension String {
  /// In one line, and no longer than one reads: SQLite quotes what it finds damaged.
  fileprivate var oneLine: String {
    let words = split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.count > 200 ? words.prefix(200) + "…" : words
  }
}
