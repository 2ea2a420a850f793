/// Finds tokens in text by their whole spelling, the longest at each place, the leftmost first: a
/// trie whose edges stand in one hash table.
struct SpecialTokenMatcher: Sendable {
  /// The edges: node and byte lead to a node, and the rank is not used.
  private var edges: PairTable
  /// The token that ends at each node, or -1.
  private var tokens: [TokenID] = [-1]
  /// Whether some spelling begins with the byte: most bytes of a text are passed over by this.
  private var isFirst = [Bool](repeating: false, count: 256)

  /// A matcher of these tokens of the vocabulary.
  init(_ specials: [TokenID], _ vocabulary: Vocabulary) {
    let byteCount = specials.reduce(0) { $0 + vocabulary.byteCount(of: $1) }
    edges = PairTable(capacity: byteCount)
    for token in specials { insert(token, vocabulary) }
  }

  private mutating func insert(_ token: TokenID, _ vocabulary: Vocabulary) {
    let spelling = vocabulary.spelling(of: token)
    guard let first = spelling.first else { return }
    isFirst[Int(first)] = true
    var node: Int32 = 0
    for byte in spelling {
      if let next = edges[node, Int32(byte)] {
        node = next.id
      } else {
        let next = Int32(tokens.count)
        tokens.append(-1)
        edges.insert(node, Int32(byte), .init(rank: 0, id: next))
        node = next
      }
    }
    if tokens[Int(node)] < 0 { tokens[Int(node)] = token }
  }

  var isEmpty: Bool { tokens.count == 1 }

  /// The first match at or after `start`: its token and its bytes' range.
  func firstMatch(
    in text: Span<UInt8>, from start: Int
  ) -> (token: TokenID, range: Range<Int>)? {
    guard !isEmpty else { return nil }
    for i in start..<text.count where isFirst[Int(text[i])] {
      var node: Int32 = 0
      var k = i
      var match: (token: TokenID, range: Range<Int>)?
      while k < text.count, let next = edges[node, Int32(text[k])] {
        node = next.id
        k += 1
        if tokens[Int(node)] >= 0 { match = (tokens[Int(node)], i..<k) }
      }
      if let match { return match }
    }
    return nil
  }
}
