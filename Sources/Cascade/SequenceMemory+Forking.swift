internal import Cache
package import Model

/// Several sequences of one past, of which one is chosen in the end.
extension SequenceMemory {
  /// A second sequence with the same past, which goes on by itself. What its next token sees is what
  /// that of the original would see. KV blocks are shared until one of the two writes into them.
  ///
  /// To be called between steps. Of a sequence and its forks, the one that is chosen ends with
  /// ``end(in:)``, the others with ``drop(in:)``.
  package func fork(in pool: KVBlockPool) -> SequenceMemory {
    isOnTrial = true
    let fork = SequenceMemory(forking: self, in: pool)
    store.holdTrials(of: onTrial)
    // The store pins a frame for each time that it is lent.
    for layer in 0..<layers { fork.takeChoice(of: self, layer) }
    return fork
  }

  /// Gives all blocks back, and takes from the store what only this fork has put there: nothing
  /// remains of what was not chosen.
  package func drop(in pool: KVBlockPool) {
    letGo(in: pool)
    store.dropTrials(of: onTrial)
    onTrial = []
  }

  private func takeChoice(of other: SequenceMemory, _ layer: Int) {
    for place in unsafe 0..<other.picks[layer].count {
      var pick = unsafe other.picks[layer][place]
      if pick.loan != nil {
        let key = FrameKey(block: identity(of: pick), frame: UInt16(layer))
        // One that was forgotten while it was lent is looked for again, and missed like any other.
        pick.loan = store.lend(key)
        unsafe pick.bytes = pick.loan?.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      }
      unsafe picks[layer].append(pick)
    }
  }
}
