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
    // Numbers of sessions are never given twice, since locks are named by them. A turn's text is the
    // bytes of its UTF-8: a text column would end at a zero. Turn 0 is what the model is told to be;
    // then questions have odd numbers, and each one's reply has the next.
    migrator.registerMigration("sessions") { db in
      try db.execute(
        sql: """
          CREATE TABLE session (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            namespace TEXT NOT NULL,
            name TEXT NOT NULL,
            memory TEXT NOT NULL,
            model BLOB NOT NULL,
            model_name TEXT NOT NULL,
            template TEXT NOT NULL,
            created INTEGER NOT NULL,
            used INTEGER NOT NULL,
            pinned INTEGER NOT NULL DEFAULT 0,
            forked_from INTEGER REFERENCES session(id) ON DELETE SET NULL,
            UNIQUE (namespace, name),
            UNIQUE (namespace, memory)
          );
          CREATE INDEX session_fork ON session(forked_from);
          CREATE TABLE turn (
            session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            role TEXT NOT NULL,
            text BLOB NOT NULL,
            time INTEGER NOT NULL,
            PRIMARY KEY (session, number)
          ) WITHOUT ROWID;
          """)
    }
    // What a reply has left to go on from, in its row: the tokens and the filled blocks that have come to
    // the sequence with it, from the `start`th token on, and the block that was not full. A row with the
    // start 0 begins a sequence of its own, which also says what the turns before it say. Of the session:
    // the identity before the first block, which tells what blocks may be used in, and how replies are
    // made, as JSON.
    migrator.registerMigration("sequences") { db in
      try db.execute(
        sql: """
          ALTER TABLE session ADD COLUMN root BLOB;
          ALTER TABLE session ADD COLUMN settings BLOB;
          ALTER TABLE turn ADD COLUMN start INTEGER;
          ALTER TABLE turn ADD COLUMN tokens BLOB;
          ALTER TABLE turn ADD COLUMN blocks BLOB;
          ALTER TABLE turn ADD COLUMN tail BLOB;
          """)
    }
    // What a sequence's root stands for beside model, layout and namespace, in words: a hash does not tell,
    // and whoever takes a session to another namespace has to know.
    migrator.registerMigration("plans") { db in
      try db.execute(
        sql: """
          CREATE TABLE plan (root BLOB NOT NULL PRIMARY KEY, signature TEXT NOT NULL) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("seals") { db in try CatalogSeals.create(db) }
    return migrator
  }
}
