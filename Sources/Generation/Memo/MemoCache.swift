internal import Cache

/// Values that were made once, within a budget of bytes: what is asked for often stays.
///
/// W-TinyLFU decides which (see ``WTinyLFU``): a reply's worth is how often it is asked for, as what it took
/// to make and what it takes to keep both grow with its length. A value that the policy does not want, or
/// that is larger than the budget, is not kept.
///
/// Invariants: the policy and the dictionary have the same keys; the sum of their weights is at most the budget.
package struct MemoCache<Value: Sendable>: Sendable {
  private var policy: ChosenPolicy<RequestKey>
  private var values: [RequestKey: Value] = [:]
  /// How often a value was found, not found, and let go of for room.
  package private(set) var hits = 0
  package private(set) var misses = 0
  package private(set) var evictions = 0

  /// - Parameter budget: bytes; 0 keeps nothing.
  package init(budget: Int) { policy = ChosenPolicy(.wTinyLFU, budget: budget) }

  package var bytes: Int { policy.usedBytes }
  package var count: Int { values.count }

  /// Bytes; lowering it lets go of values at once.
  package var budget: Int {
    get { policy.budget }
    set {
      policy.budget = newValue
      shrink()
    }
  }

  /// The value of `key`, without counting it as a request.
  package func peek(_ key: RequestKey) -> Value? { values[key] }

  /// Counts a request.
  ///
  /// - Parameter isHit: whether the value was there and could be used; one that could not is let go of.
  package mutating func note(_ key: RequestKey, isHit: Bool) {
    policy.recordAccess(key)
    if isHit {
      hits += 1
    } else {
      misses += 1
      if values.removeValue(forKey: key) != nil { policy.remove(key, reason: .invalidated) }
    }
  }

  /// Keeps a value, if there is room and the policy wants it. The one that is there stays.
  ///
  /// - Parameters:
  ///   - weight: bytes that it takes.
  ///   - cost: milliseconds that it took to make.
  package mutating func insert(_ key: RequestKey, _ value: Value, weight: Int, cost: Double) {
    guard values[key] == nil, policy.admits(key, weight: weight, cost: cost) else { return }
    policy.insert(key, weight: weight, cost: cost)
    values[key] = value
    shrink()
  }

  package mutating func removeAll() {
    for key in values.keys { policy.remove(key, reason: .invalidated) }
    values.removeAll()
  }

  private mutating func shrink() {
    while policy.usedBytes > policy.budget, let victim = policy.victim() {
      policy.remove(victim, reason: .evicted)
      values[victim] = nil
      evictions += 1
    }
  }
}
