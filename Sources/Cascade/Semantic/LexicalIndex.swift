package import Model

/// Finds the passages that say the same words as a query: an inverted index over tokens, in which a
/// shared token counts by its rarity (Spärck Jones 1972, "A statistical interpretation of term
/// specificity").
///
/// Special tokens, and the ones right behind them, are left out: they are a chat's frame.
/// `add` allocates, `search` does not.
package struct LexicalIndex {
  private let rarity: TokenRarity
  private var postings: [TokenID: [Int32]] = [:]
  package private(set) var count = 0
  /// [count] sums of the search in progress, all zeros between searches.
  private var sums: [Float] = []
  private var touched: [Int32] = []
  /// The distinct tokens of the query in progress.
  private var query: [TokenID] = []

  /// What a token has to weigh to be looked up: one that a third of all passages hold tells none of
  /// them from the others.
  private static let least: Float = 1

  package init(rarity: TokenRarity) {
    self.rarity = rarity
    query.reserveCapacity(512)
  }

  /// Adds the next passage, numbered `count`.
  package mutating func add(_ tokens: ArraySlice<TokenID>) {
    let place = Int32(count)
    var isFramed = false
    for token in tokens {
      defer { isFramed = rarity.isSpecial(token) }
      guard !isFramed, !rarity.isSpecial(token), postings[token]?.last != place else { continue }
      postings[token, default: []].append(place)
    }
    count += 1
    sums.append(0)
    touched.reserveCapacity(sums.capacity)
  }

  /// Calls `body` with every passage below `limit` that shares telling tokens with `tokens`, and how
  /// much these weigh together, in no order.
  ///
  /// - Returns: what all telling tokens of the query weigh.
  @discardableResult
  package mutating func search(
    _ tokens: ArraySlice<TokenID>, below limit: Int, _ body: (_ place: Int, _ score: Float) -> Void
  ) -> Float {
    query.removeAll(keepingCapacity: true)
    var isFramed = false
    for token in tokens {
      defer { isFramed = rarity.isSpecial(token) }
      if !isFramed, !rarity.isSpecial(token), !query.contains(token) { query.append(token) }
    }
    var total: Float = 0
    for token in query {
      let places = postings[token] ?? []
      let weight = rarity.weight(of: token, holding: places.count, of: count)
      guard weight >= Self.least else { continue }
      total += weight
      for place in places {
        if place >= limit { break }
        if sums[Int(place)] == 0 { touched.append(place) }
        sums[Int(place)] += weight
      }
    }
    for place in touched {
      body(Int(place), sums[Int(place)])
      sums[Int(place)] = 0
    }
    touched.removeAll(keepingCapacity: true)
    return total
  }
}
