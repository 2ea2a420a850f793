internal import Cache

/// Semantic memory of what texts have gone on with, one for each namespace.
extension EpisodeStore {
  /// What the passages of a namespace have gone on with, as of the first time it is asked for and of
  /// every session that has ended since in this process. Of this namespace alone.
  package func continuations(of namespace: String) -> Continuations {
    if let known = continuations[namespace] { return known }
    let made = Continuations()
    continuations[namespace] = made
    let (key, model) = (UInt64(naming: namespace), model.low)
    tiers.forEachBlock { block in
      guard block.attributes.namespace == key, block.attributes.model == model,
        let passage = Passage(encoded: block.metadata)
      else { return }
      add(block.identity, passage, to: made)
    }
    return made
  }

  /// Tells a namespace's continuations, if anyone has asked for them, of a block that was put.
  func noteContinuations(of identity: BlockIdentity, _ passage: Passage) {
    guard let known = continuations[passage.namespace] else { return }
    add(identity, passage, to: known)
  }

  private func add(
    _ identity: BlockIdentity, _ passage: Passage, to continuations: Continuations
  ) {
    // A gist repeats what a passage says.
    guard passage.session != MemoryOwner.nobody, passage.kind == .episodic else { return }
    continuations.add(
      identity, parent: passage.parent, time: passage.time == 0 ? now() : passage.time,
      tokens: passage.tokens)
  }

  /// Empties all of them, also for replies that are being made, so that they are built anew from what is
  /// left.
  func forgetContinuations() {
    for known in continuations.values { known.removeAll() }
    continuations.removeAll()
  }
}
