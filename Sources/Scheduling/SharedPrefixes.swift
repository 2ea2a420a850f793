/// Which prefixes the requests that hold blocks have, to find out how much another one shares with them.
struct SharedPrefixes: Sendable {
  /// How many requests have each prefix.
  private(set) var counts: [UInt64: Int] = [:]
  /// Changes with the prefixes, so that what was found can be kept.
  private(set) var version = 0

  /// Hashes of whole prefixes from those of their blocks: each tells all that came before it, so that
  /// equal ones mean equal beginnings.
  static func chain(_ blocks: [UInt64]) -> [UInt64] {
    var last: UInt64 = 0x9E37_79B9_7F4A_7C15
    return blocks.map { block in
      var mixed = (last ^ block) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 29)) &* 0x94D0_49BB_1331_11EB
      last = (mixed ^ (mixed >> 32)) &+ 0x9E37_79B9_7F4A_7C15
      return last
    }
  }

  mutating func insert(_ chain: [UInt64]) {
    guard !chain.isEmpty else { return }
    for prefix in chain { counts[prefix, default: 0] += 1 }
    version += 1
  }

  mutating func remove(_ chain: [UInt64]) {
    guard !chain.isEmpty else { return }
    for prefix in chain {
      guard let count = counts[prefix] else {
        preconditionFailure("A prefix is removed that was not inserted.")
      }
      counts[prefix] = count > 1 ? count - 1 : nil
    }
    version += 1
  }

  /// The longest beginning, in blocks, that another request has too.
  func longest(of chain: [UInt64]) -> Int {
    // Who has a prefix has all shorter ones: the boundary is found by halving.
    var (shared, limit) = (0, chain.count)
    while shared < limit {
      let middle = (shared + limit + 1) / 2
      if counts[chain[middle - 1]] != nil { shared = middle } else { limit = middle - 1 }
    }
    return shared
  }
}
