package import Cache
package import Model

/// What several passages say, in the words of one of them: an entry of semantic memory.
package struct Concept: Sendable, Equatable {
  /// A block of which the concept was made.
  package struct Link: Sendable, Hashable {
    package let block: BlockIdentity
    /// The session that read it, as a number.
    package let session: UInt64

    package init(block: BlockIdentity, session: UInt64) {
      self.block = block
      self.session = session
    }
  }

  /// That of the block which holds the gist's keys and values.
  package let identity: BlockIdentity
  /// The gist, framed as it was in its conversation.
  package let tokens: [TokenID]
  package var links: [Link]
  /// Recalls of its blocks and passages that say it, faded.
  package var count: DecayedCount
  /// Seconds since 1970.
  package let created: Int64

  package init(
    identity: BlockIdentity, tokens: [TokenID], links: [Link], count: DecayedCount, created: Int64
  ) {
    self.identity = identity
    self.tokens = tokens
    self.links = links
    self.count = count
    self.created = created
  }
}
