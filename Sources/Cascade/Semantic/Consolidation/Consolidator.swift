package import Cache
package import Model

/// One namespace's consolidation: reads its passages, plans its concepts, and notes in the catalog what
/// has become of the plan. Whoever runs the model makes the gists in between, one at a time, and may
/// stop at any: the next time goes on with those that are missing.
///
/// Any thread may use it; it reads all of the namespace's passages, which takes a while.
package struct Consolidator: Sendable {
  let tiers: TieredStore
  let catalog: Catalog
  let owner: CatalogOwner
  let model: UInt64
  let root: BlockIdentity
  let gists: GistFrame
  let options: ConsolidationOptions
  let rarity: TokenRarity
  let bytesPerToken: Int
  let now: @Sendable () -> Int64

  /// What is to be done.
  package struct Work: Sendable {
    package var namespace: String
    /// Statements that were compared.
    package var statements = 0
    package var concepts: [Planned] = []
    /// Concepts that are none any more.
    package var obsolete: Set<BlockIdentity> = []
    /// Whether nothing has changed since the last time, and so nothing is to be done.
    package var isUnchanged = false
    /// What it was planned from.
    fileprivate var passages = BlockIdentity(high: 0, low: 0)
    fileprivate var recalled: [BlockIdentity: DecayedCount] = [:]
  }

  package struct Planned: Sendable {
    package var concept: Concept
    /// What to read for its gist; see ``GistFrame``.
    package var sequence: [TokenID]
    /// Whether its gist has to be made.
    package var isMissing: Bool
  }

  // MARK: - Planning

  /// - Parameter isCancelled: asked now and then.
  /// - Returns: nil when it was cancelled.
  package func work(isCancelled: () -> Bool) throws(CatalogError) -> Work? {
    var work = Work(namespace: owner.namespace)
    let concepts = try catalog.concepts(of: owner)
    let recalled = try catalog.recalled(by: owner)
    let passages = passages()
    work.passages = digest(passages)
    work.recalled = recalled
    if try catalog.fingerprint(of: owner) == fingerprint(work, concepts),
      concepts.allSatisfy({ tiers.contains($0.identity) })
    {
      work.isUnchanged = true
      work.concepts = concepts.map {
        Planned(concept: $0, sequence: gists.sequence($0.tokens), isMissing: false)
      }
      return work
    }
    if isCancelled() { return nil }
    let sources = sources(of: passages)
    if isCancelled() { return nil }
    work.statements = sources.count
    let known = Dictionary(uniqueKeysWithValues: concepts.map { ($0.identity, $0) })
    let consolidation = Consolidation(
      rarity: rarity, marks: gists.marks, options: options, now: now(),
      bytesPerToken: bytesPerToken)
    let drafts = consolidation.drafts(
      from: sources, concepts: concepts, recalled: recalled, isCancelled: isCancelled)
    if isCancelled() { return nil }
    for draft in drafts {
      let sequence = gists.sequence(draft.tokens)
      let identity = root.child(sequence[...])
      work.concepts.append(
        Planned(
          concept: Concept(
            identity: identity, tokens: draft.tokens, links: draft.links, count: draft.count,
            created: known[identity]?.created ?? now()),
          sequence: sequence, isMissing: !tiers.contains(identity)))
    }
    let wanted = Set(work.concepts.map(\.concept.identity))
    work.obsolete = Set(concepts.map(\.identity)).subtracting(wanted)
    return work
  }

  /// The namespace's episodes, oldest first.
  private func passages() -> [PassageTree.Leaf] {
    let namespace = UInt64(naming: owner.namespace)
    var passages: [PassageTree.Leaf] = []
    tiers.forEachBlock { block in
      guard block.attributes.namespace == namespace, block.attributes.model == model,
        block.attributes.memory != .semantic, let passage = Passage(encoded: block.metadata),
        passage.session != MemoryOwner.nobody
      else { return }
      passages.append(
        PassageTree.Leaf(
          identity: block.identity, parent: passage.parent, session: block.attributes.session,
          ordinal: passage.ordinal, time: passage.time, tokens: passage.tokens))
    }
    return passages
  }

  private func sources(of passages: [PassageTree.Leaf]) -> [Consolidation.Source] {
    guard gists.hasRoom else { return [] }
    let tree = PassageTree(passages)
    let cutter = gists.cutter
    var sources: [Consolidation.Source] = []
    for chain in tree.chains {
      var tokens: [TokenID] = []
      // Where each passage of the chain ends.
      var ends: [Int] = []
      for passage in chain.passages {
        tokens += passages[passage].tokens
        ends.append(tokens.count)
      }
      let shared = chain.shared > 0 ? ends[chain.shared - 1] : 0
      let before = passages[chain.passages[0]].ordinal * gists.blockLength
      for statement in cutter.statements(of: tokens, isWhole: chain.isWhole)
      where statement.range.upperBound > shared {
        let first = ends.firstIndex { $0 > statement.range.lowerBound }!
        let last = ends.firstIndex { $0 >= statement.range.upperBound }!
        let blocks = chain.passages[first...last].map { passages[$0] }
        sources.append(
          Consolidation.Source(
            statement: statement,
            links: blocks.map { Concept.Link(block: $0.identity, session: $0.session) },
            session: blocks.last!.session, position: before + statement.range.lowerBound,
            time: blocks.last!.time))
      }
    }
    return sources
  }

  private static func isBefore(_ a: BlockIdentity, _ b: BlockIdentity) -> Bool {
    (a.high, a.low) < (b.high, b.low)
  }

  private func digest(_ passages: [PassageTree.Leaf]) -> BlockIdentity {
    var hash = SHA256()
    for identity in passages.map(\.identity).sorted(by: Self.isBefore) {
      hash.update(identity.high)
      hash.update(identity.low)
    }
    return BlockIdentity(hash)
  }

  /// What a plan depends on but for the time: which passages, counts and concepts there are.
  private func fingerprint(_ work: Work, _ concepts: [Concept]) -> BlockIdentity {
    var hash = SHA256()
    hash.update(text: "spark consolidation 1 \(options)")
    func update(_ identity: BlockIdentity) {
      hash.update(identity.high)
      hash.update(identity.low)
    }
    update(work.passages)
    for concept in concepts { update(concept.identity) }
    hash.update(UInt64(concepts.count))
    for (block, count) in work.recalled.sorted(by: { Self.isBefore($0.key, $1.key) }) {
      update(block)
      hash.update(count.weight.bitPattern)
      hash.update(count.at)
    }
    return BlockIdentity(hash)
  }

  // MARK: - Noting

  /// Notes a concept, before its gist is made: a gist that the catalog does not know would be forgotten
  /// with nothing.
  package func save(_ concept: Concept) throws(CatalogError) {
    try catalog.save(concept, of: owner)
  }

  /// Takes obsolete concepts out of the catalog, before their gists go.
  package func remove(_ concepts: Set<BlockIdentity>) throws(CatalogError) {
    try catalog.remove(concepts: concepts)
  }

  /// Notes that all of a plan was done, so that it is not done again before something changes.
  package func finish(_ work: Work) throws(CatalogError) {
    let (decay, time) = (options.decay, now())
    var work = work
    let faded = work.recalled.filter { $0.value.weight(at: time, decay) < 0.01 }
    if !faded.isEmpty { try catalog.dropRecalled(faded.keys) }
    for block in faded.keys { work.recalled[block] = nil }
    try catalog.note(
      fingerprint: fingerprint(work, try catalog.concepts(of: owner)), of: owner)
  }
}
