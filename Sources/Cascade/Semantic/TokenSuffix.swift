internal import Cache
package import Model

/// The last few tokens of a text: what its continuations are looked up by.
package struct TokenSuffix: Sendable, Equatable {
  /// The most tokens that are kept.
  package static let longest = 4

  /// [longest], the newest last; what has not been said yet is 0.
  private var tokens: [4 of TokenID] = .init(repeating: 0)
  package private(set) var count = 0

  package init() {}

  package init(_ tokens: some Sequence<TokenID>) {
    for token in tokens { append(token) }
  }

  package mutating func append(_ token: TokenID) {
    for place in 1..<Self.longest { tokens[place - 1] = tokens[place] }
    tokens[Self.longest - 1] = token
    count = min(count + 1, Self.longest)
  }

  /// A digest of the last `length` tokens and of their number, never 0.
  func digest(of length: Int) -> UInt64 {
    var digest = UInt64(length)
    for place in Self.longest - length..<Self.longest {
      digest = (digest ^ UInt64(UInt32(bitPattern: tokens[place]))).digest
    }
    return max(1, digest)
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.count == b.count
      && (longest - a.count..<longest).allSatisfy { a.tokens[$0] == b.tokens[$0] }
  }
}
