internal import Cache
internal import Cascade

/// Replies that make room for others for a while.
extension Stepper {
  enum Parking {
    case done
    /// Not as the reply is now. It goes on.
    case refused
    /// It cannot be written down. The reply goes on.
    case failed
  }

  /// Moves what a reply holds out of the KV cache.
  ///
  /// A search stays: apart, its beams would take room for what they share.
  func park(_ reply: Reply) -> Parking {
    guard let state = reply.state, state.beams?.beams.isEmpty ?? true else { return .refused }
    guard (try? state.memory.park(in: pool)) != nil else { return .failed }
    reservedBlocks -= state.reservedBlocks
    reply.state!.reservedBlocks = 0
    return .done
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
    // What a draft had brought may have been told meanwhile.
    if state.sampled.isEmpty { state.memory.slide(in: pool) }
  }

  /// Brings a parked reply back that is about to end, wherever there is room.
  func isBack(_ state: ReplyState) -> Bool {
    guard state.memory.isParked else { return true }
    return (try? state.memory.unpark(in: pool)) ?? false
  }
}
