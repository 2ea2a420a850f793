/// Three plain queues: newcomers wait in a small one, and only those that are asked for again there,
/// or soon after they left it, enter the main one.
///
/// - A tenth of the budget is the small queue's, the rest the main one's. The ghost queue remembers
///   the keys of as many bytes as the main queue may hold.
/// - The small queue's oldest entry moves on when it was asked for twice or more, and leaves for the
///   ghosts otherwise. The main queue's oldest entry goes round again as often as it was asked for,
///   three times at most. A newcomer that is a ghost enters the main queue at once.
/// - Until something had to leave for the first time, what the small queue cannot hold goes to the
///   main one, as in the authors' simulator.
///
/// A hit counts up to three in one byte and moves nothing. One-hit wonders pass through a tenth of the
/// budget, so a scan costs little. `victim` is O(1) amortised: each round of the main queue pays for
/// one earlier hit.
///
/// Source: J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache
/// eviction", SOSP 2023.
package struct S3FIFO<Key: CacheKey>: EvictionPolicy {
  private static var small: UInt8 { 0 }
  private static var main: UInt8 { 1 }
  private static var ghost: UInt8 { 2 }
  private static var pinned: UInt8 { 3 }
  private static var moveThreshold: UInt8 { 2 }

  private struct Payload: Sendable {
    /// Requests since it came to its queue, three at most.
    var frequency: UInt8 = 0
    /// The queue to which a pinned entry returns.
    var home: UInt8
  }

  package var budget: Int
  private var table = EntryTable<Key, Payload>(queues: 4)
  private var hasEvicted = false

  package init(budget: Int) { self.budget = budget }

  package var usedBytes: Int { table.bytes - bytes(Self.ghost) }
  package var count: Int { table.count - table.queues[Int(Self.ghost)].count }

  private var smallBudget: Int { budget / 10 }
  private var mainBudget: Int { budget - smallBudget }

  private func bytes(_ queue: UInt8) -> Int { table.queues[Int(queue)].bytes }

  private func resident(_ key: Key) -> EntryTable<Key, Payload>.Slot? {
    guard let slot = table.slot(of: key), table[slot].queue != Self.ghost else { return nil }
    return slot
  }

  package func contains(_ key: Key) -> Bool { resident(key) != nil }

  package mutating func recordAccess(_ key: Key) {
    guard let slot = resident(key) else { return }
    table[slot].payload.frequency = min(3, table[slot].payload.frequency + 1)
  }

  package func admits(_ key: Key, weight: Int, cost: Double) -> Bool { weight <= budget }

  package mutating func insert(_ key: Key, weight: Int, cost: Double) {
    var queue = Self.small
    if let ghost = table.slot(of: key) {
      precondition(table[ghost].queue == Self.ghost, "a key was added to a policy that has it")
      table.drop(ghost)
      queue = Self.main
    } else if !hasEvicted, bytes(Self.small) >= smallBudget, usedBytes + weight <= budget {
      queue = Self.main
    }
    table.add(key, weight: weight, payload: Payload(home: queue), to: queue)
  }

  package mutating func victim() -> Key? {
    while true {
      let isMainsTurn = bytes(Self.main) > mainBudget
      if !isMainsTurn, let slot = table.oldest(of: Self.small) {
        if table[slot].payload.frequency < Self.moveThreshold { return table[slot].key }
        table[slot].payload = Payload(home: Self.main)
        table.move(slot, to: Self.main)
      } else if let slot = table.oldest(of: Self.main) {
        if table[slot].payload.frequency == 0 { return table[slot].key }
        table[slot].payload.frequency -= 1
        table.move(slot, to: Self.main)
      } else {
        return nil
      }
    }
  }

  package mutating func remove(_ key: Key, reason: RemovalReason) {
    guard let slot = table.slot(of: key) else { return }
    switch reason {
    case .invalidated: table.drop(slot)
    case .evicted where table[slot].queue == Self.ghost: break
    case .evicted:
      hasEvicted = true
      if table[slot].payload.home == Self.main { return table.drop(slot) }
      table[slot].pins = 0
      table.move(slot, to: Self.ghost)
      while bytes(Self.ghost) > mainBudget, let oldest = table.oldest(of: Self.ghost) {
        table.drop(oldest)
      }
    }
  }

  package mutating func pin(_ key: Key) {
    guard let slot = resident(key) else { return }
    table[slot].pins += 1
    table.move(slot, to: Self.pinned)
  }

  package mutating func unpin(_ key: Key) {
    guard let slot = resident(key), table[slot].pins > 0 else { return }
    table[slot].pins -= 1
    if table[slot].pins == 0 { table.move(slot, to: table[slot].payload.home) }
  }
}
