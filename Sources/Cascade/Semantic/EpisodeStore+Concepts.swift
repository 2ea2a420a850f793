package import Cache
package import Model

/// Semantic memory's side of the store: the catalog, what is counted of recalls, and concepts.
extension EpisodeStore {
  /// What every concept of this model and layout descends from.
  package var gists: BlockIdentity { .gists(model: model, layout: layout, plan: plan) }

  package func owner(of namespace: String) -> CatalogOwner {
    CatalogOwner(namespace: namespace, model: gists)
  }

  /// The catalog, opened when it is first wanted, and made if it is not there.
  package func catalog() throws(CatalogError) -> Catalog {
    if let openCatalog { return openCatalog }
    let catalog = try Catalog(directory: directory)
    openCatalog = catalog
    return catalog
  }

  /// The catalog if there is one.
  package func existingCatalog() throws(CatalogError) -> Catalog? {
    if openCatalog == nil {
      guard let directory, Catalog.exists(in: directory) else { return nil }
    }
    return try catalog()
  }

  /// Counts a reply, for every block of the past that it recalled. A reply does not end because a count cannot be kept:
  /// what is wrong with the catalog is told by whoever asks for what is in it.
  package func noteRecalled(by sequence: SequenceMemory, _ decay: Decay) {
    let (blocks, owner) = (sequence.recalled, sequence.owner)
    guard !blocks.isEmpty, owner.session != MemoryOwner.nobody else { return }
    try? catalog().noteRecalled(blocks, by: self.owner(of: owner.namespace), at: now(), decay)
  }

  /// Tells a namespace's past which of its entries are concepts of which others. Without the catalog
  /// they are entries like any other.
  func linkConcepts(of namespace: String, in past: PastMemory) {
    let concepts = try? existingCatalog()?.concepts(of: owner(of: namespace))
    for concept in concepts ?? [] { past.link(concept) }
  }

  /// Tells a namespace's past, if anyone has asked for it, of a concept whose gist was put.
  package func remember(_ concept: Concept, of namespace: String) {
    pasts[namespace]?.link(concept)
  }

  /// Lets go of concepts that are none any more. What other processes have of them, they keep until
  /// they open the store again. Writes a file.
  package func drop(
    _ concepts: Set<BlockIdentity>, of namespace: String
  ) throws(StoreError) {
    guard !concepts.isEmpty else { return }
    for concept in concepts { pasts[namespace]?.remove(concept) }
    try tiers.invalidate { identity, _ in concepts.contains(identity) }
  }

  /// The gists of a namespace's concepts, of whatever model.
  package func gists(in namespace: String) -> Set<BlockIdentity> {
    let namespace = UInt64(naming: namespace)
    return Set(
      tiers.footprints().lazy
        .filter { $0.attributes.namespace == namespace && $0.attributes.memory == .semantic }
        .map(\.identity))
  }

  /// What a consolidation of a namespace works on, off the compute thread.
  ///
  /// - Parameter filler: a token that says nothing, a line's end.
  package func consolidator(
    of namespace: String, options: ConsolidationOptions, filler: TokenID
  ) throws(CatalogError) -> Consolidator {
    Consolidator(
      tiers: tiers, catalog: try catalog(), owner: owner(of: namespace), model: model.low,
      root: root(of: .concepts(of: namespace)),
      gists: GistFrame(
        blockLength: layout.blockLength, sinks: plan.sinks, filler: filler, marks: marks),
      options: options, rarity: rarity,
      bytesPerToken: layout.blockByteCount / layout.blockLength, now: now)
  }
}
