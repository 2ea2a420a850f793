internal import GRDB

/// How a catalog comes to be what this version reads, step by step. A step that was released is never
/// changed again.
enum CatalogMigrations {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    // Identities are 16 bytes, most significant first; times are seconds since 1970; weights are as of
    // the time beside them, and halve with the half-life in use.
    migrator.registerMigration("concepts") { db in
      try db.execute(
        sql: """
          CREATE TABLE recalled (
            block BLOB NOT NULL PRIMARY KEY,
            namespace TEXT NOT NULL,
            model BLOB NOT NULL,
            weight REAL NOT NULL,
            at INTEGER NOT NULL
          ) WITHOUT ROWID;
          CREATE INDEX recalled_owner ON recalled(namespace, model);
          CREATE TABLE concept (
            id BLOB NOT NULL PRIMARY KEY,
            namespace TEXT NOT NULL,
            model BLOB NOT NULL,
            tokens BLOB NOT NULL,
            weight REAL NOT NULL,
            at INTEGER NOT NULL,
            created INTEGER NOT NULL
          ) WITHOUT ROWID;
          CREATE INDEX concept_owner ON concept(namespace, model);
          CREATE TABLE concept_link (
            concept BLOB NOT NULL REFERENCES concept(id) ON DELETE CASCADE,
            block BLOB NOT NULL,
            session INTEGER NOT NULL,
            PRIMARY KEY (concept, block)
          ) WITHOUT ROWID;
          CREATE INDEX concept_link_block ON concept_link(block);
          CREATE INDEX concept_link_session ON concept_link(session);
          CREATE TABLE consolidation (
            namespace TEXT NOT NULL,
            model BLOB NOT NULL,
            fingerprint BLOB NOT NULL,
            PRIMARY KEY (namespace, model)
          ) WITHOUT ROWID;
          """)
    }
    return migrator
  }
}
