package import Cache
internal import GRDB

/// Whose memory, of which model: what every table is keyed by.
package struct CatalogOwner: Hashable, Sendable {
  package let namespace: String
  /// The model and how its blocks lie in memory: `BlockIdentity.gists`.
  package let model: BlockIdentity

  package init(namespace: String, model: BlockIdentity) {
    self.namespace = namespace
    self.model = model
  }

  var arguments: StatementArguments { [namespace, model.column.argument] }
}

/// How often replies have recalled blocks of other sessions.
extension Catalog {
  /// Counts one reply that recalled `blocks`.
  package func noteRecalled(
    _ blocks: Set<BlockIdentity>, by owner: CatalogOwner, at now: Int64, _ decay: Decay
  ) throws(CatalogError) {
    guard !blocks.isEmpty else { return }
    try write { db in
      for block in blocks {
        let row = try Row.fetchOne(
          db, sql: "SELECT weight, at FROM recalled WHERE block = ?",
          arguments: [block.column.argument])
        let known = try row.map {
          DecayedCount(weight: try $0.number("weight"), at: try $0.integer("at"))
        }
        let count = (known ?? DecayedCount(weight: 0, at: now)).adding(1, at: now, decay)
        try db.execute(
          sql: """
            INSERT INTO recalled (block, namespace, model, weight, at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (block) DO UPDATE SET weight = excluded.weight, at = excluded.at
            """,
          arguments: [
            block.column.argument, owner.namespace, owner.model.column.argument, count.weight,
            count.at,
          ])
      }
    }
  }

  package func recalled(
    by owner: CatalogOwner
  ) throws(CatalogError) -> [BlockIdentity: DecayedCount] {
    try read { db in
      var counts: [BlockIdentity: DecayedCount] = [:]
      let rows = try Row.fetchCursor(
        db, sql: "SELECT block, weight, at FROM recalled WHERE namespace = ? AND model = ?",
        arguments: owner.arguments)
      while let row = try rows.next() {
        guard let block = BlockIdentity(column: row.bytes("block")) else { continue }
        counts[block] = DecayedCount(weight: try row.number("weight"), at: try row.integer("at"))
      }
      return counts
    }
  }

  /// Lets go of the counts of `blocks`.
  package func dropRecalled(_ blocks: some Sequence<BlockIdentity>) throws(CatalogError) {
    try write { db in
      for block in blocks {
        try db.execute(
          sql: "DELETE FROM recalled WHERE block = ?", arguments: [block.column.argument])
      }
    }
  }
}
