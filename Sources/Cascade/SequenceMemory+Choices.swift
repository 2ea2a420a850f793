internal import Cache
internal import Model

/// What layers have chosen to see beside the window.
extension SequenceMemory {
  /// Own blocks that were seen in the pool may have left it.
  func forgetPlaces(_ layer: Int) {
    for place in unsafe 0..<picks[layer].count where unsafe picks[layer][place].loan == nil {
      unsafe picks[layer][place].bytes = nil
    }
  }

  func identity(of pick: Pick) -> BlockIdentity {
    pick.isPast ? past!.entries[Int(pick.block)].identity : identities[Int(pick.block)]
  }

  /// Finds the bytes of what a layer has chosen.
  ///
  /// - Parameters:
  ///   - index: the token that is about to see them.
  ///   - waits: whether what is not in memory is worth waiting for: while a prompt is read, not
  ///     while a reply is made.
  func resolve(_ layer: Int, at index: Int, in pool: KVBlockPool, waits: Bool) {
    for place in unsafe 0..<picks[layer].count where unsafe picks[layer][place].bytes == nil {
      let pick = unsafe picks[layer][place]
      if !pick.isPast, let held = working.heldBlock(Int(pick.block)) {
        unsafe picks[layer][place].bytes = UnsafePointer(
          pool.pointer(to: held) + layer * pool.layout.layerByteCount)
        continue
      }
      let key = FrameKey(block: identity(of: pick), frame: UInt16(layer))
      if trail != nil, let tier = store.tiers.tier(of: key) { trail!.note(pick, in: tier) }
      guard let frame = store.lend(key) ?? (waits ? store.fetch(key) : nil) else {
        store.prefetch(key)
        account.misses += 1
        missed.insert(index / plan.blockLength)
        continue
      }
      unsafe picks[layer][place].loan = frame
      unsafe picks[layer][place].bytes = frame.bytes.baseAddress!.assumingMemoryBound(
        to: UInt8.self)
    }
  }

  /// Whether a layer has chosen blocks that are not there yet.
  func lacksBlocks(_ layer: Int) -> Bool {
    unsafe (0..<picks[layer].count).contains { unsafe picks[layer][$0].bytes == nil }
  }

  func giveBack(_ layer: Int) {
    for place in unsafe 0..<picks[layer].count {
      if let loan = unsafe picks[layer][place].loan { store.giveBack(loan) }
    }
    unsafe picks[layer].removeAll()
  }
}
