package import Cache
internal import GRDB
internal import Model

/// The concepts of each namespace, and what they are linked to.
extension Catalog {
  /// In the order of their identities.
  package func concepts(of owner: CatalogOwner) throws(CatalogError) -> [Concept] {
    try read { db in
      var links: [BlockIdentity: [Concept.Link]] = [:]
      let linkRows = try Row.fetchCursor(
        db,
        sql: """
          SELECT concept, block, session FROM concept_link JOIN concept ON concept.id = concept
          WHERE namespace = ? AND model = ? ORDER BY concept, block
          """, arguments: owner.arguments)
      while let row = try linkRows.next() {
        guard let concept = BlockIdentity(column: row.bytes("concept")),
          let block = BlockIdentity(column: row.bytes("block"))
        else { continue }
        links[concept, default: []].append(
          Concept.Link(block: block, session: UInt64(bitPattern: try row.integer("session"))))
      }
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT id, tokens, weight, at, created FROM concept
          WHERE namespace = ? AND model = ? ORDER BY id
          """, arguments: owner.arguments)
      return try rows.compactMap { row in
        guard let id = BlockIdentity(column: row.bytes("id")) else { return nil }
        return Concept(
          identity: id, tokens: [TokenID](column: row.bytes("tokens")), links: links[id] ?? [],
          count: DecayedCount(weight: try row.number("weight"), at: try row.integer("at")),
          created: try row.integer("created"))
      }
    }
  }

  /// Writes a concept, in the place of what was known of it.
  package func save(_ concept: Concept, of owner: CatalogOwner) throws(CatalogError) {
    try write { db in
      let id = concept.identity.column.argument
      try db.execute(
        sql: """
          INSERT INTO concept (id, namespace, model, tokens, weight, at, created)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET weight = excluded.weight, at = excluded.at
          """,
        arguments: [
          id, owner.namespace, owner.model.column.argument, concept.tokens.column.argument,
          concept.count.weight, concept.count.at, concept.created,
        ])
      try db.execute(sql: "DELETE FROM concept_link WHERE concept = ?", arguments: [id])
      for link in concept.links {
        try db.execute(
          sql: "INSERT OR IGNORE INTO concept_link (concept, block, session) VALUES (?, ?, ?)",
          arguments: [id, link.block.column.argument, Int64(bitPattern: link.session)])
      }
    }
  }

  package func remove(concepts: some Sequence<BlockIdentity>) throws(CatalogError) {
    try write { db in try Self.delete(concepts, db) }
  }

  private static func delete(_ concepts: some Sequence<BlockIdentity>, _ db: Database) throws {
    for concept in concepts {
      try db.execute(sql: "DELETE FROM concept WHERE id = ?", arguments: [concept.column.argument])
    }
  }

  // MARK: - Work that was done

  /// What the last consolidation of a namespace was made from; nil before the first.
  package func fingerprint(of owner: CatalogOwner) throws(CatalogError) -> BlockIdentity? {
    try read { db in
      let row = try Row.fetchOne(
        db, sql: "SELECT fingerprint FROM consolidation WHERE namespace = ? AND model = ?",
        arguments: owner.arguments)
      return row.flatMap { BlockIdentity(column: $0.bytes("fingerprint")) }
    }
  }

  package func note(
    fingerprint: BlockIdentity, of owner: CatalogOwner
  ) throws(CatalogError) {
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO consolidation (namespace, model, fingerprint) VALUES (?, ?, ?)
          ON CONFLICT (namespace, model) DO UPDATE SET fingerprint = excluded.fingerprint
          """,
        arguments: [
          owner.namespace, owner.model.column.argument, fingerprint.column.argument,
        ])
    }
  }

  // MARK: - Forgetting

  /// What of a namespace is to be forgotten with other things.
  package enum Selection: Sendable {
    /// Concepts among `blocks`, and those that are linked to any of them, of whatever model.
    case blocks(Set<BlockIdentity>)
    /// The same, and what is linked to a session whose blocks may be gone already.
    case session(UInt64, blocks: Set<BlockIdentity>)
    case everything
  }

  /// The concepts, of whatever model, that go when `selection` is forgotten.
  package func concepts(
    touchedBy selection: Selection, in namespace: String
  ) throws(CatalogError) -> Set<BlockIdentity> {
    try read { db in
      let rows: [Row]
      switch selection {
      case .everything:
        rows = try Row.fetchAll(
          db, sql: "SELECT id, NULL AS block, 0 AS session FROM concept WHERE namespace = ?",
          arguments: [namespace])
      case .blocks, .session:
        rows = try Row.fetchAll(
          db,
          sql: """
            SELECT id, block, session FROM concept LEFT JOIN concept_link ON concept = id
            WHERE namespace = ?
            """, arguments: [namespace])
      }
      var found: Set<BlockIdentity> = []
      for row in rows {
        guard let id = BlockIdentity(column: row.bytes("id")) else { continue }
        let block = BlockIdentity(column: row.bytes("block"))
        // None without a link.
        let session = block == nil ? 0 : try row.integer("session")
        let isTouched =
          switch selection {
          case .everything: true
          case .blocks(let blocks): blocks.contains(id) || block.map(blocks.contains) == true
          case .session(let wanted, let blocks):
            blocks.contains(id) || block.map(blocks.contains) == true
              || UInt64(bitPattern: session) == wanted && block != nil
          }
        if isTouched { found.insert(id) }
      }
      return found
    }
  }

  /// Forgets concepts and what is counted of blocks. ``purge()`` takes them from the log.
  package func forget(
    concepts: Set<BlockIdentity>, counted blocks: Set<BlockIdentity>,
    everythingOf namespace: String?
  ) throws(CatalogError) {
    try write { db in
      try Self.delete(concepts, db)
      for block in blocks.union(concepts) {
        try db.execute(
          sql: "DELETE FROM recalled WHERE block = ?", arguments: [block.column.argument])
      }
      guard let namespace else { return }
      for table in ["recalled", "concept", "consolidation"] {
        try db.execute(sql: "DELETE FROM \(table) WHERE namespace = ?", arguments: [namespace])
      }
    }
  }
}
