package import Model

/// The last tokens of a sequence: a ring of fixed capacity, newest first.
package struct TokenHistory: Sendable {
  private var ring: [TokenID]
  private var next = 0
  /// How many tokens are remembered, at most the capacity.
  package private(set) var count = 0

  package init(capacity: Int) {
    ring = [TokenID](repeating: 0, count: capacity)
  }

  package var capacity: Int { ring.count }

  /// The token `back` places before the newest: 0 is the newest, `count - 1` the oldest.
  package subscript(back back: Int) -> TokenID {
    precondition(back >= 0 && back < count, "\(back) tokens back, of \(count) remembered")
    let index = next - 1 - back
    return ring[index < 0 ? index + ring.count : index]
  }

  /// Remembers `token`; the oldest one is forgotten when there is no room.
  package mutating func append(_ token: TokenID) {
    guard !ring.isEmpty else { return }
    ring[next] = token
    next = next + 1 == ring.count ? 0 : next + 1
    count = min(count + 1, ring.count)
  }

  package mutating func removeAll() {
    next = 0
    count = 0
  }

  /// Every remembered token, oldest first.
  package var tokens: [TokenID] {
    (0..<count).map { self[back: count - 1 - $0] }
  }
}
