internal import Cache
internal import Model

/// What has followed contexts, and how often: a flat table in buckets of eight contexts, within a
/// budget.
///
/// A context has four tokens at most that may follow it. A fifth is paid for by all of them, as in the
/// frequent-items algorithm of J. Misra and D. Gries ("Finding repeated elements", 1982): a count is too
/// low by at most a fifth of what is not its own, never too high, so that no draft is surer of itself
/// than it should be.
///
/// In a full bucket a newcomer takes the rarest context's place only when it has been seen more often
/// lately, as a sketch tells (TinyLFU, see ``FrequencySketch``). Short contexts recur and so stay; long
/// ones stay where they recur too: what CREST (S. Ho et al., "CREST: Effectively compacting a datastore
/// for retrieval-based speculative decoding", 2024, arXiv:2408.04678) keeps on purpose.
///
/// Contexts are known by 64-bit digests: where two of them were equal, a draft would be bad, no worse.
package struct ContinuationTable: Sendable {
  private static let bucketLength = 8
  fileprivate static let followers = 4

  fileprivate struct Slot {
    /// Digest of the context; 0: nobody's.
    var key: UInt64 = 0
    var total: Float = 0
    var tokens: [4 of TokenID] = .init(repeating: 0)
    /// 0 where there is no token.
    var counts: [4 of Float] = .init(repeating: 0)
  }

  private var slots: [Slot]
  private var sketch = FrequencySketch()
  /// Contexts held.
  package private(set) var count = 0
  /// The most slots that the budget allows, a power of two.
  private let most: Int

  /// - Parameter budget: bytes that the table may take, its sketch included.
  package init(budget: Int) {
    let bytes = MemoryLayout<Slot>.stride + MemoryLayout<UInt64>.stride
    var most = 2 * Self.bucketLength
    while 2 * most * bytes <= budget { most *= 2 }
    self.most = most
    slots = Array(repeating: Slot(), count: 2 * Self.bucketLength)
  }

  /// The least budget that is kept to.
  package static var leastBudget: Int {
    2 * bucketLength * (MemoryLayout<Slot>.stride + MemoryLayout<UInt64>.stride)
  }

  /// Bytes held.
  package var byteCount: Int { slots.count * MemoryLayout<Slot>.stride + sketch.byteCount }

  private func bucket(_ key: UInt64) -> Range<Int> {
    let start = Int(truncatingIfNeeded: key) & (slots.count - 1) & ~(Self.bucketLength - 1)
    return start..<start + Self.bucketLength
  }

  private func place(of key: UInt64) -> Int? {
    for place in bucket(key) where slots[place].key == key { return place }
    return nil
  }

  // MARK: - Counting

  /// Counts that `token` has followed a context, `weight` times.
  mutating func add(_ token: TokenID, after key: UInt64, weight: Float) {
    sketch.increment(key)
    guard let place = place(of: key) ?? makePlace(for: key, weight: weight) else { return }
    slots[place].add(token, weight: weight)
  }

  /// A slot for a context that has none; nil where those in its bucket are worth more.
  private mutating func makePlace(for key: UInt64, weight: Float) -> Int? {
    var rarest = bucket(key).lowerBound
    for place in bucket(key) {
      if slots[place].key == 0 {
        count += 1
        slots[place].begin(key)
        return place
      }
      if slots[place].total < slots[rarest].total { rarest = place }
    }
    // A bucket may be full long before the table is.
    if slots.count < most, 2 * count > slots.count {
      grow()
      return makePlace(for: key, weight: weight)
    }
    guard Float(sketch.estimate(key)) * weight > slots[rarest].total else { return nil }
    slots[rarest].begin(key)
    return rarest
  }

  /// Doubles the table: a bucket's contexts part to the same place and to one as much further on.
  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Slot(), count: 2 * old.count)
    sketch.grow(to: slots.count)
    for slot in old where slot.key != 0 {
      slots[bucket(slot.key).first { slots[$0].key == 0 }!] = slot
    }
  }

  /// Less than that is nothing.
  static let least: Float = 1e-27

  /// Multiplies all counts: when the unit that they are in has changed.
  mutating func scale(by factor: Float) {
    for place in slots.indices where slots[place].key != 0 {
      slots[place].total *= factor
      guard slots[place].total >= Self.least else {
        slots[place].begin(0)
        count -= 1
        continue
      }
      for follower in 0..<Self.followers { slots[place].counts[follower] *= factor }
    }
  }

  // MARK: - Looking up

  /// The token that has followed a context most; nil when the context is not known.
  ///
  /// - Returns: the token, its count, and the count of all.
  func likeliest(after key: UInt64) -> (token: TokenID, count: Float, total: Float)? {
    guard let place = place(of: key) else { return nil }
    var best = 0
    for follower in 1..<Self.followers
    where slots[place].counts[follower] > slots[place].counts[best] {
      best = follower
    }
    return (slots[place].tokens[best], slots[place].counts[best], slots[place].total)
  }

  /// What is wrong with the table; empty when nothing is.
  package func violations() -> [String] {
    var found: [String] = []
    let held = slots.count { $0.key != 0 }
    if held != count { found.append("\(held) contexts, counted as \(count)") }
    for (place, slot) in slots.enumerated() where slot.key != 0 {
      if !bucket(slot.key).contains(place) { found.append("slot \(place) is in a strange bucket") }
      var sum: Float = 0
      for follower in 0..<Self.followers { sum += slot.counts[follower] }
      if sum > 1.001 * slot.total { found.append("slot \(place) counts \(sum) of \(slot.total)") }
    }
    return found
  }
}

extension ContinuationTable.Slot {
  fileprivate mutating func begin(_ key: UInt64) {
    self = Self()
    self.key = key
  }

  fileprivate mutating func add(_ token: TokenID, weight: Float) {
    total += weight
    var rarest = 0
    for follower in counts.indices {
      if counts[follower] > 0, tokens[follower] == token {
        counts[follower] += weight
        return
      }
      if counts[follower] < counts[rarest] { rarest = follower }
    }
    let price = min(weight, counts[rarest])
    if price > 0 {
      for follower in counts.indices { counts[follower] -= price }
    }
    guard weight > price else { return }
    tokens[rarest] = token
    counts[rarest] = weight - price
  }
}
