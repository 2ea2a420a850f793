package import Cache
internal import Model

/// What the ended sessions of one namespace have left: which blocks, and the words that lead to them.
package final class PastMemory {
  package struct Entry: Sendable {
    package let identity: BlockIdentity
    package let session: UInt64
    package let ordinal: Int
    package let tokens: Int
    let parent: BlockIdentity?
  }

  package private(set) var entries: [Entry] = []
  package private(set) var words: LexicalIndex
  private var places: [BlockIdentity: Int] = [:]
  /// The newest entry that follows each block.
  private var followers: [BlockIdentity: Int] = [:]

  init(rarity: TokenRarity) { words = LexicalIndex(rarity: rarity) }

  /// The entry of a block, as a number; nil when it is not among them.
  func place(of identity: BlockIdentity) -> Int? { places[identity] }

  func add(_ identity: BlockIdentity, _ passage: Passage) {
    guard places[identity] == nil else { return }
    let place = entries.count
    words.add(passage.tokens[...])
    entries.append(
      Entry(
        identity: identity, session: UInt64(naming: passage.namespace, passage.session),
        ordinal: passage.ordinal, tokens: passage.tokens.count, parent: passage.parent))
    places[identity] = place
    if let parent = passage.parent { followers[parent] = place }
  }

  /// The entries before and after one, where they are there.
  func neighbours(of place: Int) -> [2 of Int?] {
    let entry = entries[place]
    return [entry.parent.flatMap { places[$0] }, followers[entry.identity]]
  }

  /// See ``LexicalIndex/search(_:below:_:)``.
  func search(
    _ tokens: ArraySlice<TokenID>, _ body: (_ place: Int, _ score: Float) -> Void
  ) -> Float {
    words.search(tokens, below: entries.count, body)
  }
}
