package import Cache
package import Model

/// Looking at what is kept, and forgetting it.
extension EpisodeStore {
  /// A passage, with what the store knows of its block.
  package struct Kept: Sendable {
    package let block: StoredBlock
    package let passage: Passage

    package var identity: BlockIdentity { block.identity }
    package var isConcept: Bool { passage.kind == .semantic }
  }

  /// Every passage that this model has read, oldest first.
  ///
  /// - Parameter namespace: nil: of all of them.
  package func passages(in namespace: String? = nil) -> [Kept] {
    ownBlocks(in: namespace).compactMap { block in
      Passage(encoded: block.metadata).map { Kept(block: block, passage: $0) }
    }
  }

  /// Identities of this model's blocks, oldest first, those included whose passage cannot be read.
  package func identities(in namespace: String? = nil) -> [BlockIdentity] {
    ownBlocks(in: namespace).map(\.identity)
  }

  private func ownBlocks(in namespace: String?) -> [StoredBlock] {
    let (model, namespace) = (model.low, namespace.map { UInt64(naming: $0) })
    var found: [StoredBlock] = []
    tiers.forEachBlock { block in
      guard block.attributes.model == model,
        namespace == nil || block.attributes.namespace == namespace
      else { return }
      found.append(block)
    }
    return found
  }

  /// One of this model's passages; nil when it is gone.
  package func kept(_ identity: BlockIdentity) -> Kept? {
    guard let block = tiers.block(identity), block.attributes.model == model.low,
      let passage = Passage(encoded: block.metadata)
    else { return nil }
    return Kept(block: block, passage: passage)
  }

  /// The passages of a namespace that share telling words with `tokens`, as recall finds them: the
  /// heaviest first, of equals the newest.
  ///
  /// - Returns: at most `limit`, with what the shared words weigh, in nats of rarity.
  package func search(
    _ tokens: [TokenID], in namespace: String, limit: Int
  ) -> [(kept: Kept, score: Float)] {
    let past = past(of: namespace)
    var scores: [(place: Int, score: Float)] = []
    _ = past.search(tokens[...]) { scores.append(($0, $1)) }
    scores.sort { ($0.score, $0.place) > ($1.score, $1.place) }
    var found: [(kept: Kept, score: Float)] = []
    for (place, score) in scores where found.count < limit {
      // What was forgotten or pushed out meanwhile is still in the index.
      if let kept = kept(past.entries[place].identity) { found.append((kept, score)) }
    }
    return found
  }

  /// The blocks of a text that is read with nothing of other sessions, the last one as full as it
  /// gets.
  package func chain(of tokens: [TokenID], in namespace: String) -> [BlockIdentity] {
    let root = root(namespace: namespace)
    var chain = root.chain(tokens[...], blockLength: layout.blockLength)
    let rest = tokens.suffix(tokens.count % layout.blockLength)
    if !rest.isEmpty { chain.append((chain.last ?? root).child(rest)) }
    return chain
  }

  /// Forgets blocks for good; see ``TieredStore/forget(_:)``. Writes files.
  package func forget(
    _ blocks: Set<BlockIdentity>
  ) throws(StoreError) -> TieredStore.Forgotten {
    // Replies that begin after it must not find them, also when only a part could be forgotten.
    defer { forgetPasts() }
    try orphan(childrenOf: blocks)
    return try tiers.forget(blocks)
  }

  /// Has the blocks that follow others say so no more, before those are forgotten: the name of a block is
  /// made of its text.
  ///
  /// - Throws: when one cannot be read now; then nothing of it is changed. One that is damaged goes.
  private func orphan(childrenOf blocks: Set<BlockIdentity>) throws(StoreError) {
    guard !blocks.isEmpty else { return }
    var isChanged = false
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: layout.blockByteCount, alignment: 64)
    defer { unsafe buffer.deallocate() }
    for kept in passages() where !blocks.contains(kept.identity) {
      guard let parent = kept.passage.parent, blocks.contains(parent) else { continue }
      var passage = kept.passage
      passage.parent = nil
      let isWhole: Bool
      do throws(StoreError) {
        var span = unsafe buffer.mutableBytes
        isWhole = try tiers.copyBlock(kept.identity, into: &span)
      } catch {
        guard error.code == .damaged || error.code == .missing else { throw error }
        isWhole = false
      }
      try tiers.invalidate(.block(kept.identity))
      isChanged = true
      guard isWhole else { continue }
      _ = try tiers.put(
        kept.identity, attributes: kept.block.attributes, metadata: passage.encoded(),
        frames: unsafe UnsafeRawBufferPointer(buffer).bytes)
    }
    if isChanged { try tiers.flush() }
  }

  /// Forgets a session, or with no session a namespace, whatever model has read it. Writes files.
  package func forget(
    session: String?, of namespace: String
  ) throws(StoreError) -> TieredStore.Forgotten {
    defer { forgetPasts() }
    try orphan(childrenOf: identities(session: session, of: namespace))
    return try tiers.forget(Self.scope(session: session, of: namespace))
  }

  /// What ``forget(session:of:)`` would forget.
  package func identities(session: String?, of namespace: String) -> Set<BlockIdentity> {
    let scope = Self.scope(session: session, of: namespace)
    return Set(
      tiers.footprints().lazy.filter { scope.covers($0.identity, $0.attributes) }.map(\.identity))
  }

  /// How far a forgetting reaches.
  package enum Forgetting: Equatable {
    /// Single passages.
    case passages
    /// A session, whatever model has read it.
    case session(String)
    /// A namespace, whatever model has read it.
    case everything
  }

  private static func scope(session: String?, of namespace: String) -> BlockScope {
    if let session {
      .session(UInt64(naming: namespace, session))
    } else {
      .namespace(UInt64(naming: namespace))
    }
  }
}
