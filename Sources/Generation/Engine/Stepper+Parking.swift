internal import Cache
internal import Cascade

/// Replies that make room for others for a while.
extension Stepper {
  /// Moves what a reply holds out of the KV cache.
  ///
  /// - Returns: false where it cannot be written down; the reply then goes on. A search stays: apart, its
  ///   beams would take room for what they share.
  func park(_ reply: Reply) -> Bool {
    guard let memory = reply.state?.memory, reply.state?.beams?.beams.isEmpty ?? true,
      (try? memory.park(in: pool)) != nil
    else {
      return false
    }
    reservedBlocks -= reply.state!.reservedBlocks
    reply.state!.reservedBlocks = 0
    return true
  }

  /// Brings it back. The blocks that it may come to hold must be free.
  func resume(_ reply: Reply) throws(EngineError) {
    guard let state = reply.state else { return }
    try reload()
    reservedBlocks += state.blocks
    reply.state!.reservedBlocks = state.blocks
    let isBack = try EngineError.aboutMemory { () throws(StoreError) in
      try state.memory.unpark(in: pool)
    }
    precondition(isBack, "a reply was called back to a full KV cache")
  }

  /// Brings a parked reply back that is about to end, wherever there is room.
  func isBack(_ state: ReplyState) -> Bool {
    guard state.memory.isParked else { return true }
    return (try? state.memory.unpark(in: pool)) ?? false
  }
}
