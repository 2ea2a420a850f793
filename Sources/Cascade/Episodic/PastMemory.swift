package import Cache

/// What the ended sessions of one namespace have left: which blocks, and the index that finds them.
package final class PastMemory {
  package struct Entry: Sendable {
    package let identity: BlockIdentity
    package let session: UInt64
    package let ordinal: Int
    package let tokens: Int
  }

  package private(set) var entries: [Entry] = []
  let index: BlockIndex
  private var places: [BlockIdentity: Int] = [:]

  init(layout: IndexLayout) { index = BlockIndex(layout: layout) }

  /// The entry of a block, as a number; nil when it is not among them.
  func place(of identity: BlockIdentity) -> Int? { places[identity] }

  func add(_ identity: BlockIdentity, _ passage: Passage) {
    guard places[identity] == nil else { return }
    let place = entries.count
    index.reserve(place + 1)
    index.put(halves: passage.vectors, block: place)
    entries.append(
      Entry(
        identity: identity, session: UInt64(naming: passage.namespace, passage.session),
        ordinal: passage.ordinal, tokens: passage.tokens.count))
    places[identity] = place
  }
}
