/// What each of many pairs of numbers leads to: a hash table with linear probing, at most three
/// quarters full.
///
/// Pairs stand in a list in the order in which they came, and the table holds places in it: a table
/// of the pairs themselves would be four times as large, and misses in the processor's cache are
/// what filling and asking it costs.
struct PairTable: Sendable {
  struct Value: Equatable, Sendable {
    var rank: UInt32
    var id: Int32
  }

  private struct Slot {
    /// The lower half of the hash, so that most other pairs are passed over without being read.
    var fingerprint: UInt32
    /// The pair's place in the list plus one; 0 means free.
    var place: UInt32
  }

  /// Pairs in the order in which they came.
  struct List: Sendable {
    fileprivate var pairs: [(key: UInt64, value: Value)] = []

    init(capacity: Int) { pairs.reserveCapacity(capacity) }

    var count: Int { pairs.count }

    mutating func append(_ left: Int32, _ right: Int32, _ value: Value) {
      pairs.append((PairTable.key(left, right), value))
    }
  }

  private var pairs: [(key: UInt64, value: Value)] = []
  private var slots: [Slot]
  private let shift: UInt64

  /// A table with room for `capacity` pairs.
  init(capacity: Int) {
    var bits: UInt64 = 4
    while 3 << bits < capacity * 4 { bits += 1 }
    shift = 64 - bits
    slots = [Slot](repeating: Slot(fingerprint: 0, place: 0), count: 1 << bits)
    pairs.reserveCapacity(capacity)
  }

  /// A table of the pairs in the list; the first of several that are equal stays.
  ///
  /// Filling it in a loop that does nothing else lets the processor wait for many places in memory
  /// at once.
  init(_ list: List) {
    self.init(capacity: list.count)
    pairs = list.pairs
    for place in pairs.indices {
      let hash = Self.hash(pairs[place].key)
      let i = index(of: pairs[place].key, hash)
      if slots[i].place == 0 {
        slots[i] = Slot(
          fingerprint: UInt32(truncatingIfNeeded: hash), place: UInt32(place + 1))
      }
    }
  }

  /// What the pair leads to, or nil.
  subscript(left: Int32, right: Int32) -> Value? {
    let key = Self.key(left, right)
    let place = slots[index(of: key, Self.hash(key))].place
    return place == 0 ? nil : pairs[Int(place) - 1].value
  }

  /// Adds a pair, unless it is there.
  ///
  /// - Precondition: there is room for it.
  mutating func insert(_ left: Int32, _ right: Int32, _ value: Value) {
    let key = Self.key(left, right)
    let hash = Self.hash(key)
    let i = index(of: key, hash)
    guard slots[i].place == 0 else { return }
    precondition(pairs.count < slots.count / 4 * 3, "the table has no room for another pair")
    pairs.append((key, value))
    slots[i] = Slot(
      fingerprint: UInt32(truncatingIfNeeded: hash), place: UInt32(pairs.count))
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Multiply, fold, multiply: the upper bits then depend on all bits of both numbers.
  private static func hash(_ key: UInt64) -> UInt64 {
    let hash = key &* 0x9E37_79B9_7F4A_7C15
    return (hash ^ hash >> 32) &* 0xFF51_AFD7_ED55_8CCD
  }

  /// The slot that holds `key`, or the free one where it belongs.
  private func index(of key: UInt64, _ hash: UInt64) -> Int {
    let fingerprint = UInt32(truncatingIfNeeded: hash)
    var i = Int(truncatingIfNeeded: hash >> shift)
    while slots[i].place != 0 {
      if slots[i].fingerprint == fingerprint, pairs[Int(slots[i].place) - 1].key == key { break }
      i = (i + 1) & (slots.count - 1)
    }
    return i
  }
}
