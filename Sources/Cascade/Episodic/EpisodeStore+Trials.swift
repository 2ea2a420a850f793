internal import Cache

/// Blocks of sequences of which only one is chosen in the end: they are there for recall as long as
/// anybody needs them, and stay only if the chosen one, or another reply, has them too.
extension EpisodeStore {
  /// Says that a sequence on trial is about to put a block.
  ///
  /// - Returns: whether the block is on trial: false for one that is there for good.
  func beginTrial(of identity: BlockIdentity) -> Bool {
    guard trials[identity] != nil || !tiers.contains(identity) else { return false }
    trials[identity, default: 0] += 1
    return true
  }

  /// One more sequence has these blocks.
  func holdTrials(of identities: [BlockIdentity]) {
    for identity in identities where trials[identity] != nil { trials[identity]! += 1 }
  }

  /// One that has these blocks was not chosen: those that no other has go.
  func dropTrials(of identities: [BlockIdentity]) {
    for identity in identities {
      guard let holders = trials[identity] else { continue }
      trials[identity] = holders > 1 ? holders - 1 : nil
      // A block that cannot be taken back now is one that was read and belongs to no session.
      if holders == 1 { _ = try? tiers.invalidate(.block(identity)) }
    }
  }

  /// The one that has these blocks was chosen: they stay.
  func endTrials(of identities: [BlockIdentity]) {
    for identity in identities { trials[identity] = nil }
  }
}
