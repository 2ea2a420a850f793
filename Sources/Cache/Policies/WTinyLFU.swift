/// Admits a newcomer to the main part only if it was asked for more often than what it would
/// replace; a window before it gives newcomers time to show that.
///
/// The window is an LRU queue. What it cannot hold goes to probation, the first part of the main
/// space; asked for again there, an entry is protected, the last four fifths of the main space. When
/// something must leave, the entry that left the window stands against the oldest on probation, and
/// the less frequent one goes; on a tie the newcomer does. Frequencies of the resident and the
/// absent alike are in a `FrequencySketch`, without a doorkeeper before it: with a word for each
/// entry it has room for one-hit wonders. As in the reference, counting begins once half of the
/// budget is used, and a newcomer asked for six times or more that loses is let in once in 128 times,
/// so that what was popular long ago does not block the way for ever. (The reference throws dice; here
/// it is a count that is mixed, so that a replay repeats.)
///
/// How large the window should be depends on the traffic: frequency wants it small, recency large.
/// By default it climbs: after every period the change of the hit ratio says whether the last step
/// went the right way. Steps are a sixteenth of the budget at first and shrink by 2% each, until the
/// hit ratio jumps by five points and the search begins anew. A period is two requests for each
/// entry, 2000 at least. The reference takes ten; with those, a shifting working set and
/// conversations are over before the window has become as large as they need (docs/caching.md).
///
/// Sources: G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy",
/// ACM TOS 13(4), 2017; G. Einziger, O. Eytan, R. Friedman, B. Manes, "Adaptive software cache
/// management", Middleware 2018. The reference is Caffeine.
package struct WTinyLFU<Key: CacheKey>: EvictionPolicy {
  private static var window: UInt8 { 0 }
  private static var probation: UInt8 { 1 }
  private static var protected: UInt8 { 2 }
  private static var pinned: UInt8 { 3 }
  private static var smallestWindow: Double { 0.01 }
  private static var largestWindow: Double { 0.8 }
  private static var protectedShare: Double { 0.8 }
  /// Entries moved between queues at most in one operation, so that none takes long.
  private static var transfers: Int { 1000 }

  /// A newcomer this frequent that loses all the same is let in once in so many times.
  private static var warm: Int { 6 }
  private static var luck: UInt64 { 128 }

  private struct Payload: Sendable {
    /// The queue to which a pinned entry returns.
    var home: UInt8
  }
  private typealias Slot = EntryTable<Key, Payload>.Slot

  package var budget: Int { didSet { resize() } }
  private let isAdaptive: Bool
  private var table = EntryTable<Key, Payload>(queues: 4)
  private var sketch = FrequencySketch()
  private var climber = HillClimber()
  private var windowShare: Double
  private var windowBudget = 0
  private var protectedBudget = 0
  /// The first of the entries that left the window and have not yet stood against a resident.
  private var candidate: Slot?
  private var warmLosers: UInt64 = 0
  /// The victim that was named, until something changes.
  private var chosen: Slot?

  package init(budget: Int) { self.init(budget: budget, window: .adaptive) }

  package init(budget: Int, window: TinyLFUWindow) {
    self.budget = budget
    switch window {
    case .adaptive: (isAdaptive, windowShare) = (true, Self.smallestWindow)
    case .fixed(let share): (isAdaptive, windowShare) = (false, share)
    }
    resize()
  }

  package var usedBytes: Int { table.bytes }
  package var count: Int { table.count }

  package func contains(_ key: Key) -> Bool { table.slot(of: key) != nil }

  package mutating func recordAccess(_ key: Key) {
    (candidate, chosen) = (nil, nil)
    if usedBytes >= budget / 2 { sketch.increment(key.digest) }
    let slot = table.slot(of: key)
    if let slot { promote(slot) }
    guard isAdaptive, let step = climber.record(isHit: slot != nil, entries: sketch.capacity) else {
      return
    }
    windowShare = min(max(windowShare + step, Self.smallestWindow), Self.largestWindow)
    resize()
  }

  package func admits(_ key: Key, weight: Int, cost: Double) -> Bool { weight <= budget }

  package mutating func insert(_ key: Key, weight: Int, cost: Double) {
    (candidate, chosen) = (nil, nil)
    // One that fills the window alone is the next to leave it, rather than driving out all others.
    table.add(
      key, weight: weight, payload: Payload(home: Self.window), to: Self.window,
      asOldest: weight > windowBudget)
    sketch.grow(to: count)
    candidate = emptyWindow()
  }

  package mutating func victim() -> Key? {
    if chosen == nil { chosen = choose() }
    return chosen.map { table[$0].key }
  }

  package mutating func remove(_ key: Key, reason: RemovalReason) {
    if reason == .invalidated { sketch.forget(key.digest) }
    guard let slot = table.slot(of: key) else { return }
    if slot == chosen { chosen = nil }
    if slot == candidate { candidate = nil }
    table.drop(slot)
  }

  package mutating func pin(_ key: Key) {
    guard let slot = table.slot(of: key) else { return }
    (candidate, chosen) = (nil, nil)
    table[slot].pins += 1
    table.move(slot, to: Self.pinned)
  }

  package mutating func unpin(_ key: Key) {
    guard let slot = table.slot(of: key), table[slot].pins > 0 else { return }
    (candidate, chosen) = (nil, nil)
    table[slot].pins -= 1
    if table[slot].pins == 0 { table.move(slot, to: table[slot].payload.home) }
  }

  // MARK: - The contest

  private mutating func choose() -> Slot? {
    guard usedBytes > budget, let newcomer = candidate else {
      return table.oldest(of: Self.probation) ?? table.oldest(of: Self.protected)
        ?? table.oldest(of: Self.window)
    }
    candidate = table.newer(than: newcomer)
    guard let resident = table.oldest(of: Self.probation), resident != newcomer else {
      return newcomer
    }
    let frequency = sketch.estimate(table[newcomer].key.digest)
    if frequency > sketch.estimate(table[resident].key.digest) { return resident }
    guard frequency >= Self.warm else { return newcomer }
    warmLosers += 1
    return warmLosers.digest % Self.luck == 0 ? resident : newcomer
  }

  // MARK: - Queues

  private func bytes(_ queue: UInt8) -> Int { table.queues[Int(queue)].bytes }

  private mutating func move(_ slot: Slot, home queue: UInt8) {
    table[slot].payload.home = queue
    if table[slot].pins == 0 { table.move(slot, to: queue) }
  }

  private mutating func promote(_ slot: Slot) {
    guard table[slot].payload.home != Self.window else { return move(slot, home: Self.window) }
    move(slot, home: Self.protected)
    demoteProtected()
  }

  private mutating func demoteProtected() {
    for _ in 0..<Self.transfers {
      guard bytes(Self.protected) > protectedBudget, let slot = table.oldest(of: Self.protected)
      else { return }
      move(slot, home: Self.probation)
    }
  }

  /// Moves what the window cannot hold to probation; the first that moved.
  @discardableResult
  private mutating func emptyWindow() -> Slot? {
    var first: Slot?
    for _ in 0..<Self.transfers {
      guard bytes(Self.window) > windowBudget, let slot = table.oldest(of: Self.window) else {
        break
      }
      move(slot, home: Self.probation)
      first = first ?? slot
    }
    return first
  }

  /// Takes over a new budget or window. A window that has grown fills up as newcomers stay in it.
  private mutating func resize() {
    (candidate, chosen) = (nil, nil)
    windowBudget = Int(Double(budget) * windowShare)
    protectedBudget = Int(Double(budget - windowBudget) * Self.protectedShare)
    emptyWindow()
    demoteProtected()
  }
}

/// How large the window of `WTinyLFU` is.
package enum TinyLFUWindow: Sendable, Equatable {
  case adaptive
  /// A share of the budget, 0 to 1.
  case fixed(Double)
}

/// Climbs towards the best hit ratio, one step of the window at a time.
private struct HillClimber: Sendable {
  private static let firstStep = 0.0625
  private static let decay = 0.98
  private static let restart = 0.05
  private static let requestsPerEntry = 2
  private static let shortestPeriod = 2000

  private var requests = 0
  private var hits = 0
  private var lastRatio = 0.0
  private var step = firstStep

  /// Notes a request; at the end of a period, by what share of the budget the window should change.
  mutating func record(isHit: Bool, entries: Int) -> Double? {
    requests += 1
    if isHit { hits += 1 }
    let period = max(Self.shortestPeriod, Self.requestsPerEntry * entries)
    guard requests >= period else { return nil }
    let ratio = Double(hits) / Double(requests)
    let change = ratio - lastRatio
    let taken = change >= 0 ? step : -step
    let length = abs(change) >= Self.restart ? Self.firstStep : abs(step) * Self.decay
    step = taken < 0 ? -length : length
    (requests, hits, lastRatio) = (0, 0, ratio)
    return taken
  }
}
