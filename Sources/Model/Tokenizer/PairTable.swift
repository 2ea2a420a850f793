/// What each of many pairs of numbers leads to: a flat hash table with linear probing, at most half
/// full.
struct PairTable: Sendable {
  struct Value: Equatable, Sendable {
    var rank: UInt32
    var id: Int32
  }

  private struct Slot {
    var key: UInt64
    var value: Value
  }

  /// No pair has it: both numbers would be `UInt32.max`, which is no token.
  private static let free = UInt64.max

  private var slots: [Slot]
  private let shift: UInt64
  private(set) var count = 0

  /// A table with room for `capacity` pairs.
  init(capacity: Int) {
    var bits: UInt64 = 4
    while 1 << bits < capacity * 2 { bits += 1 }
    shift = 64 - bits
    slots = [Slot](
      repeating: Slot(key: Self.free, value: Value(rank: 0, id: 0)), count: 1 << bits)
  }

  /// What the pair leads to, or nil.
  subscript(left: Int32, right: Int32) -> Value? {
    let slot = slots[index(of: Self.key(left, right))]
    return slot.key == Self.free ? nil : slot.value
  }

  /// Adds a pair, unless it is there.
  ///
  /// - Precondition: there is room for it.
  mutating func insert(_ left: Int32, _ right: Int32, _ value: Value) {
    let key = Self.key(left, right)
    let i = index(of: key)
    guard slots[i].key == Self.free else { return }
    precondition(count < slots.count / 2, "the table has room for \(slots.count / 2) pairs")
    slots[i] = Slot(key: key, value: value)
    count += 1
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The slot that holds `key`, or the free one where it belongs.
  private func index(of key: UInt64) -> Int {
    // Fibonacci hashing: the upper bits of the product depend on all bits of the key.
    var i = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while slots[i].key != key, slots[i].key != Self.free {
      i = (i + 1) & (slots.count - 1)
    }
    return i
  }
}
