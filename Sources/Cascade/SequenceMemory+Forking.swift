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

  /// Takes a sequence that is about to end back to its first `count` tokens, also where blocks behind them
  /// have a name, as far as all that those tokens leave is still there.
  ///
  /// - Returns: false, with nothing changed, where it is not.
  package func rewind(to count: Int, in pool: KVBlockPool) -> Bool {
    let filled = count / plan.blockLength
    guard working.firstBlock(seenBy: count) >= working.leaving.lowerBound else { return false }
    if filled < identities.count {
      let start = filled * plan.blockLength
      let parent = filled == 0 ? root : identities[filled - 1]
      // What else took part in the block that is full no longer, or did not, only its name tells.
      guard
        count == start
          || identities[filled]
            == parent.child(
              tokens[start..<start + plan.blockLength],
              generated: firstGenerated(in: start..<start + plan.blockLength))
      else { return false }
      identities.removeLast(identities.count - filled)
      turns.removeLast(max(0, turns.count - filled - 1))
      for layer in 0..<layers { indexed[layer] = min(indexed[layer], filled) }
    }
    retract(to: count, in: pool)
    return true
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
