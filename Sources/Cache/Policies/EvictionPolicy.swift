/// Decides what a tier keeps when it cannot keep everything.
///
/// A policy is a pure value that knows keys, weights and costs; whoever holds the entries tells it
/// what happens and does what it says:
///
///     policy.recordAccess(key)                       // every request, hit or miss
///     if !policy.contains(key), policy.admits(key, weight: bytes, cost: ms) {
///       policy.insert(key, weight: bytes, cost: ms)
///       while policy.usedBytes > policy.budget, let victim = policy.victim() {
///         policy.remove(victim, reason: .evicted)
///       }
///     }
///
/// A hit allocates nothing; every operation is O(1) or O(log n). An entry that has just been
/// inserted may be the next victim: that is how a policy with an admission filter declines it.
package protocol EvictionPolicy<Key>: Sendable {
  associatedtype Key: Hashable & Sendable

  /// A policy for `budget` bytes.
  init(budget: Int)

  /// Bytes that may be resident; lowering it makes the policy want victims.
  var budget: Int { get set }
  /// Bytes that are resident; above the budget until enough victims have been removed.
  var usedBytes: Int { get }
  /// Resident entries.
  var count: Int { get }

  func contains(_ key: Key) -> Bool

  /// Notes a request for `key`, resident or not: ghosts and frequency sketches learn from misses.
  mutating func recordAccess(_ key: Key)

  /// Whether an entry that is not resident deserves `weight` bytes. Never true for more than the
  /// budget.
  ///
  /// - Parameter cost: milliseconds to make the entry again.
  mutating func admits(_ key: Key, weight: Int, cost: Double) -> Bool

  /// Makes an entry resident that is not. The caller evicts afterwards.
  mutating func insert(_ key: Key, weight: Int, cost: Double)

  /// The entry to let go next; nil when nothing may leave. It stays resident until it is removed,
  /// and asking again without a change in between gives the same answer.
  mutating func victim() -> Key?

  /// Removes a resident entry; nothing happens when there is none.
  mutating func remove(_ key: Key, reason: RemovalReason)

  /// Keeps a resident entry from becoming a victim until it has been unpinned as often.
  mutating func pin(_ key: Key)
  mutating func unpin(_ key: Key)
}

/// Why an entry leaves a tier.
package enum RemovalReason: Sendable, Hashable, CaseIterable {
  /// For room: a policy may remember it.
  case evicted
  /// It must not be used again: a policy forgets it wholly.
  case invalidated
}
