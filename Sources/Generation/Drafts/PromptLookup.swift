package import Model

/// Finds where a text has said its last few tokens before, and drafts what came then (A. Saxena,
/// "Prompt lookup decoding", 2023).
///
/// For each length of 2 to 4 tokens a hash table leads to the latest place behind such a run, and from
/// each place to the one before it with the same hash. Adding a token is a few memory accesses, finding
/// one mostly as many: most runs in a chain are the one looked for. Only the last `capacity` tokens are
/// searched, so memory is bounded. Everything is reserved in `init`.
package struct PromptLookup: Sendable {
  package static let shortest = 2
  package static let longest = 4
  /// The most tokens that are ever searched.
  package static let most = 32_768

  /// Tokens that are searched, a power of two.
  package let capacity: Int
  /// Tokens of the text so far.
  package private(set) var count = 0
  /// A ring by position, [capacity].
  private var tokens: [TokenID]
  /// The latest place behind a run of each hash, [lengths][capacity]; -1: none.
  private var latest: [Int32]
  /// The place before each place, a ring by position for each length, [lengths][capacity].
  private var earlier: [Int32]

  /// - Parameter expected: tokens that the text may come to have.
  package init(expected: Int) {
    var capacity = 64
    while capacity < min(expected, Self.most) { capacity *= 2 }
    self.capacity = capacity
    let lengths = Self.longest - Self.shortest + 1
    tokens = Array(repeating: 0, count: capacity)
    latest = Array(repeating: -1, count: lengths * capacity)
    earlier = Array(repeating: -1, count: lengths * capacity)
  }

  package mutating func append(_ token: TokenID) {
    for length in Self.shortest...Self.longest where count >= length {
      let bucket = bucket(length)
      earlier[slot(count, length)] = latest[bucket]
      latest[bucket] = Int32(truncatingIfNeeded: count)
    }
    tokens[count & (capacity - 1)] = token
    count += 1
  }

  /// Where the longest run that ends the text has been before, the latest time.
  ///
  /// - Returns: the place behind it, and the run's length.
  package func find() -> (place: Int, match: Int)? {
    for length in stride(from: min(Self.longest, count), through: Self.shortest, by: -1) {
      var place = Int(latest[bucket(length)])
      // Beyond the ring's reach nothing can be compared, nor are the chains kept.
      while place >= length, place - length >= count - capacity {
        if isRun(of: length, before: place) { return (place, length) }
        place = Int(earlier[slot(place, length)])
      }
    }
    return nil
  }

  /// Appends what came at a place: at most `most` tokens. Where the text has been going in circles since
  /// then, the draft goes on in them.
  package func draft(from place: Int, most: Int, into draft: inout [TokenID]) {
    let first = draft.count
    for offset in 0..<most {
      let from = place + offset
      draft.append(
        from < count ? tokens[from & (capacity - 1)] : draft[first + from - count])
    }
  }

  /// Whether the `length` tokens before a place are the text's last.
  private func isRun(of length: Int, before place: Int) -> Bool {
    for back in 1...length
    where tokens[(place - back) & (capacity - 1)] != tokens[(count - back) & (capacity - 1)] {
      return false
    }
    return true
  }

  /// Of the run of `length` tokens that ends the text.
  private func bucket(_ length: Int) -> Int {
    var hash: UInt64 = 0
    for back in 1...length {
      let token = UInt64(UInt32(bitPattern: tokens[(count - back) & (capacity - 1)]))
      hash = (hash ^ token) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 29
    }
    return (length - Self.shortest) * capacity
      + Int(truncatingIfNeeded: hash >> 24) & (capacity - 1)
  }

  private func slot(_ place: Int, _ length: Int) -> Int {
    (length - Self.shortest) * capacity + place & (capacity - 1)
  }
}
