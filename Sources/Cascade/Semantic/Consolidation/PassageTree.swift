package import Cache
package import Model

/// The passages of a namespace in the order of their texts: each behind the one that it follows.
///
/// Texts that begin alike share their first passages, so it is a tree. A passage that another one
/// begins with is left out: the end of a reply that its session has gone on from.
package struct PassageTree {
  /// A passage, as far as its place and words go.
  package struct Leaf: Sendable {
    package let identity: BlockIdentity
    package let parent: BlockIdentity?
    package let session: UInt64
    package let ordinal: Int
    /// Seconds since 1970.
    package let time: Int64
    package let tokens: [TokenID]

    package init(
      identity: BlockIdentity, parent: BlockIdentity?, session: UInt64, ordinal: Int, time: Int64,
      tokens: [TokenID]
    ) {
      self.identity = identity
      self.parent = parent
      self.session = session
      self.ordinal = ordinal
      self.time = time
      self.tokens = tokens
    }
  }

  /// A run of passages, each the next one's parent.
  package struct Chain: Sendable {
    /// Numbers of passages.
    package var passages: [Int]
    /// How many of the first ones are in an earlier chain as well.
    package var shared: Int
    /// Whether it begins where a session does.
    package var isWhole: Bool
  }

  package let passages: [Leaf]
  private var children: [BlockIdentity: [Int]] = [:]
  private var first: [Int] = []
  /// Passages before a fork that are read again for what it cuts.
  private static let overlap = 2

  /// - Parameter passages: oldest first.
  package init(_ passages: [Leaf]) {
    self.passages = passages
    let known = Set(passages.map(\.identity))
    for (index, passage) in passages.enumerated() {
      if let parent = passage.parent, known.contains(parent) {
        children[parent, default: []].append(index)
      } else {
        first.append(index)
      }
    }
    first = Self.withoutBeginnings(first, passages)
    for (parent, siblings) in children where siblings.count > 1 {
      children[parent] = Self.withoutBeginnings(siblings, passages)
    }
  }

  /// Leaves out the passages that another one of their session, and in their place, begins with.
  private static func withoutBeginnings(_ list: [Int], _ passages: [Leaf]) -> [Int] {
    let groups = Dictionary(grouping: list) { passages[$0].session }
    return list.filter { index in
      let tokens = passages[index].tokens
      return !groups[passages[index].session]!.contains { other in
        passages[other].tokens.count > tokens.count && passages[other].tokens.starts(with: tokens)
      }
    }
  }

  /// Every passage is in one of them; those before a fork may be in several, and are `shared` in all but
  /// one.
  package var chains: [Chain] {
    var chains: [Chain] = []
    // Where to go on: the passages to read again, and the one to go on with.
    var waiting: [(before: [Int], next: Int)] = first.reversed().map { ([], $0) }
    while let (before, next) = waiting.popLast() {
      var line = before + [next]
      while let next = children[passages[line.last!].identity], !next.isEmpty {
        for sibling in next.dropFirst().reversed() {
          waiting.append((line.suffix(Self.overlap), sibling))
        }
        line.append(next[0])
      }
      chains.append(
        Chain(
          passages: line, shared: before.count, isWhole: passages[line[0]].ordinal == 0))
    }
    return chains
  }
}
