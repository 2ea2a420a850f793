/// Blocks that must not leave the disk for room, whoever else has to go.
package struct BlockProtection: Sendable, Equatable {
  /// Every block of these sessions, those included that are yet to come.
  package var sessions: Set<UInt64> = []
  /// Single blocks: what a session goes on from may be another one's.
  package var blocks: Set<BlockIdentity> = []

  package init(sessions: Set<UInt64> = [], blocks: Set<BlockIdentity> = []) {
    self.sessions = sessions
    self.blocks = blocks
  }

  package func covers(_ identity: BlockIdentity, _ attributes: BlockAttributes) -> Bool {
    sessions.contains(attributes.session) || blocks.contains(identity)
  }
}

extension StoreState {
  /// Says which blocks the disk's policy may not choose from now on, in the place of those before. A newly
  /// protected one that has left the disk is written again.
  package mutating func protect(_ protection: BlockProtection) {
    guard protection != self.protection else { return }
    self.protection = protection
    for block in index.values {
      let isProtected = protection.covers(blocks[block].identity, blocks[block].attributes)
      guard isProtected != blocks[block].isProtected else { continue }
      blocks[block].isProtected = isProtected
      if isProtected { setDisposable(block, false) }
      guard blocks[block].place != nil else { continue }
      if isProtected {
        diskPolicy.pin(blocks[block].identity)
      } else {
        diskPolicy.unpin(blocks[block].identity)
      }
    }
  }

  /// Has the disk's policy know of a block whose record is there now.
  mutating func enterDiskPolicy(_ block: Int) {
    let (identity, place) = (blocks[block].identity, blocks[block].place)
    diskPolicy.insert(
      identity, weight: place?.byteCount ?? 0, cost: blocks[block].attributes.cost)
    for _ in 0..<blocks[block].pins + (blocks[block].isProtected ? 1 : 0) {
      diskPolicy.pin(identity)
    }
  }
}

extension TieredStore {
  /// How long an answer holds while a write goes on.
  private static var patience: UInt64 { 1_000_000_000 }

  /// Asks who is protected before anything is let go: once in a write, and again when that takes long.
  func askForProtection() throws(DiskError) {
    guard let ask = options.protection else { return }
    let now = clock.now()
    if let asked = protectionAsked.withLock({ $0 }), now - asked < Self.patience { return }
    let protection: BlockProtection
    do throws(StoreError) {
      protection = try ask()
    } catch {
      // Nobody is let go of whom it is not known that they may.
      throw DiskError(
        .overBudget, operation: "make room", path: folder ?? "",
        reason: "it cannot be told which sessions are pinned or in use: \(error.message)")
    }
    withState { $0.protect(protection) }
    protectionAsked.withLock { $0 = now }
  }
}
