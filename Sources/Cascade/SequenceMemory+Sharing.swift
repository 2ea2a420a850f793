internal import Cache
internal import Model

/// Beginning with what another sequence in progress has read.
///
/// With a full window only: what is recalled would have to be indexed, and blocks that have left a window
/// are not in the pool any more.
extension SequenceMemory {
  private var shares: Bool { plan.window == .full && index == nil }

  /// Lets others have what was just read of a prompt.
  func share(_ block: Int) {
    guard shares, isReading, let held = working.heldBlock(block),
      store.live.hold(identities[block], in: held)
    else { return }
    shared.append(identities[block])
  }

  /// Takes over the prompt's next block from a sequence that has read it. At least one token is left to read.
  func adoptShared(of prompt: [TokenID], in pool: KVBlockPool) -> Bool {
    let length = plan.blockLength
    guard shares, count % length == 0, prompt.count > count + length else { return false }
    let tokens = prompt[count..<count + length]
    let identity = (identities.last ?? root).child(tokens)
    guard let block = store.live[identity] else { return false }
    working.adoptShared(block, in: pool)
    _ = store.live.hold(identity, in: block)
    shared.append(identity)
    self.tokens += tokens
    identities.append(identity)
    hide(identity)
    return true
  }

  /// Lets nobody have its blocks any more.
  func stopSharing() {
    store.live.release(shared)
    shared = []
  }
}
