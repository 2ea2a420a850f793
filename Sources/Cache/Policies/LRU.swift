/// Lets go what was used longest ago.
///
/// Right where what was just used is used again soon, and the standard of comparison; a loop
/// slightly longer than the budget defeats it wholly. A pinned entry is in use: it leaves the queue,
/// and comes back as the most recent one.
///
/// Source: P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968.
package struct LRU<Key: CacheKey>: EvictionPolicy {
  private static var recent: UInt8 { 0 }
  private static var pinned: UInt8 { 1 }

  package var budget: Int
  private var table = EntryTable<Key, Void>(queues: 2)

  package init(budget: Int) { self.budget = budget }

  package var usedBytes: Int { table.bytes }
  package var count: Int { table.count }

  package func contains(_ key: Key) -> Bool { table.slot(of: key) != nil }

  package mutating func recordAccess(_ key: Key) {
    guard let slot = table.slot(of: key), table[slot].pins == 0 else { return }
    table.move(slot, to: Self.recent)
  }

  package func admits(_ key: Key, weight: Int, cost: Double) -> Bool { weight <= budget }

  package mutating func insert(_ key: Key, weight: Int, cost: Double) {
    table.add(key, weight: weight, payload: (), to: Self.recent)
  }

  package func victim() -> Key? { table.oldest(of: Self.recent).map { table[$0].key } }

  package mutating func remove(_ key: Key, reason: RemovalReason) {
    if let slot = table.slot(of: key) { table.drop(slot) }
  }

  package mutating func pin(_ key: Key) {
    guard let slot = table.slot(of: key) else { return }
    table[slot].pins += 1
    table.move(slot, to: Self.pinned)
  }

  package mutating func unpin(_ key: Key) {
    guard let slot = table.slot(of: key), table[slot].pins > 0 else { return }
    table[slot].pins -= 1
    if table[slot].pins == 0 { table.move(slot, to: Self.recent) }
  }
}
