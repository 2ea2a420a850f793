package import Cache
internal import Model

/// What the ended sessions of one namespace have left: which blocks, and the words that lead to them.
package final class PastMemory {
  package struct Entry: Sendable {
    package let identity: BlockIdentity
    package let session: UInt64
    package let ordinal: Int
    package let tokens: Int
  }

  package private(set) var entries: [Entry] = []
  package private(set) var words: LexicalIndex
  private var places: [BlockIdentity: Int] = [:]

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
        ordinal: passage.ordinal, tokens: passage.tokens.count))
    places[identity] = place
  }

  /// See ``LexicalIndex/search(_:below:_:)``.
  func search(
    _ tokens: ArraySlice<TokenID>, _ body: (_ place: Int, _ score: Float) -> Void
  ) -> Float {
    words.search(tokens, below: entries.count, body)
  }
}
