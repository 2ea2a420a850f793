package import Cache
internal import Model

/// What the ended sessions of one namespace have left: which blocks, and the words that lead to them.
package final class PastMemory {
  package struct Entry: Sendable {
    package let identity: BlockIdentity
    package let session: UInt64
    package let ordinal: Int
    package let tokens: Int
    /// The block before it.
    let parent: BlockIdentity?
    /// Whether it is a concept's gist.
    package let isConcept: Bool
    /// Of its tokens.
    let digest: UInt64
  }

  package private(set) var entries: [Entry] = []
  package private(set) var words: LexicalIndex
  private var places: [BlockIdentity: Int] = [:]
  /// The newest entry that follows each block.
  private var followers: [BlockIdentity: Int] = [:]

  /// Entries of each concept's blocks.
  private(set) var links: [Int: [Int]] = [:]
  /// Entries that were let go of.
  private var gone: Set<Int> = []
  /// Entries whose text a later one of the same place in the session says as well: the last block of a
  /// session as it was before the session went on.
  private var outgrown: Set<Int> = []
  /// The latest entry of each place in a session.
  private var latest: [Place: Int] = [:]

  private struct Place: Hashable {
    let session: UInt64
    let ordinal: Int
  }

  init(rarity: TokenRarity) { words = LexicalIndex(rarity: rarity) }

  /// The entry of a block, as a number; nil when it is not among them.
  func place(of identity: BlockIdentity) -> Int? { places[identity] }

  func add(_ identity: BlockIdentity, _ passage: Passage) {
    if let known = places[identity] {
      gone.remove(known)
      return
    }
    let place = entries.count
    words.add(passage.tokens[...])
    entries.append(
      Entry(
        identity: identity, session: passage.sessionKey, ordinal: passage.ordinal,
        tokens: passage.tokens.count, parent: passage.parent,
        isConcept: passage.kind == .semantic, digest: Self.digest(passage.tokens[...])))
    places[identity] = place
    outgrow(place, passage)
    if let parent = passage.parent { followers[parent] = place }
  }

  /// Hides the older of two entries of one place where the newer one begins with its text.
  private func outgrow(_ place: Int, _ passage: Passage) {
    guard passage.kind == .episodic else { return }
    let key = Place(session: passage.sessionKey, ordinal: passage.ordinal)
    defer { latest[key] = place }
    guard let known = latest[key] else { return }
    let older = entries[known]
    guard older.tokens <= passage.tokens.count,
      Self.digest(passage.tokens[..<older.tokens]) == older.digest
    else { return }
    outgrown.insert(known)
  }

  /// FNV-1a.
  private static func digest(_ tokens: ArraySlice<TokenID>) -> UInt64 {
    tokens.reduce(0xcbf2_9ce4_8422_2325) {
      ($0 ^ UInt64(UInt32(bitPattern: $1))) &* 0x100_0000_01b3
    }
  }

  /// The entries before and after one, where they are there.
  func neighbours(of place: Int) -> [2 of Int?] {
    let entry = entries[place]
    let before = entry.parent.flatMap { places[$0] }
    let after = followers[entry.identity]
    return [before.flatMap { isThere($0) ? $0 : nil }, after.flatMap { isThere($0) ? $0 : nil }]
  }

  private func isThere(_ place: Int) -> Bool { !gone.contains(place) && !outgrown.contains(place) }

  /// Says which blocks a concept was made of.
  func link(_ concept: Concept) {
    guard let place = places[concept.identity] else { return }
    links[place] = concept.links.compactMap { places[$0.block] }
  }

  /// Lets go of an entry: it is not found any more.
  func remove(_ identity: BlockIdentity) {
    guard let place = places[identity] else { return }
    gone.insert(place)
    links[place] = nil
  }

  /// See ``LexicalIndex/search(_:below:_:)``.
  func search(
    _ tokens: ArraySlice<TokenID>, _ body: (_ place: Int, _ score: Float) -> Void
  ) -> Float {
    words.search(tokens, below: entries.count) { place, score in
      if isThere(place) { body(place, score) }
    }
  }

  /// Where words point: the entries that share most with `tokens`. Where a concept is among them, those
  /// of the blocks it was made of that share no more leave their rooms to others.
  ///
  /// - Returns: the targets, and what all telling words weigh.
  func route(
    _ tokens: ArraySlice<TokenID>, limit: Int, mayRecall: (_ place: Int) -> Bool
  ) -> (found: Route, total: Float) {
    var found = Route()
    let total = search(tokens) { place, score in
      guard mayRecall(place) else { return }
      found.offer(Route.Target(block: Int32(place), isPast: true, score: score), limit: limit)
    }
    guard found.hasConcept(in: self) else { return (found, total) }
    var besides = Route()
    _ = search(tokens) { place, score in
      guard mayRecall(place), !isTold(place, score, by: found) else { return }
      besides.offer(Route.Target(block: Int32(place), isPast: true, score: score), limit: limit)
    }
    return (besides, total)
  }

  /// Whether a concept of the route was made of the entry, and shares as much as it does.
  private func isTold(_ place: Int, _ score: Float, by route: Route) -> Bool {
    for index in 0..<route.count {
      let target = route.targets[index]
      guard target.score >= score, let linked = links[Int(target.block)] else { continue }
      if linked.contains(place) { return true }
    }
    return false
  }
}

extension Route {
  fileprivate func hasConcept(in past: PastMemory) -> Bool {
    for target in 0..<count where past.entries[Int(targets[target].block)].isConcept { return true }
    return false
  }
}
