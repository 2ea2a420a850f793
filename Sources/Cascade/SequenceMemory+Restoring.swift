internal import Cache
package import Model

/// Going on where others, or the same session, have been.
extension SequenceMemory {
  /// How long a restored sequence may wait for blocks that it may recall: time in which far less could
  /// be read anew.
  private static let patience = Duration.milliseconds(250)

  /// Finds out which blocks of `prompt` the store should have.
  ///
  /// - Parameter session: what the prompt's first tokens have become before. Its blocks are those that
  ///   were computed then, also where other sessions took part in them, and where tokens were generated
  ///   rather than read.
  package func prepare(_ prompt: [TokenID], from session: KeptSequence? = nil) {
    precondition(count == 0 && tokens.isEmpty)
    guard owner.scope != .none else { return }
    let length = plan.blockLength
    if let session {
      if session.root != root {
        note(
          reread: min(session.tokens.count, prompt.count),
          "they were read with another window or another way to recall")
      } else if prompt.count > session.tokens.count, prompt.starts(with: session.tokens) {
        known.blocks = session.blocks
        known.promised = session.blocks.count
        known.tail = session.tail
      }
    }
    // What other sessions may take part in is read anew.
    let reach = past == nil ? prompt.count - 1 : min(prompt.count - 1, asked)
    while known.blocks.count < reach / length {
      let start = known.blocks.count * length
      let identity = (known.blocks.last ?? root).child(prompt[start..<start + length])
      guard store.tiers.contains(identity) else { break }
      known.blocks.append(identity)
    }
    // The same text was read to this block's end, as for a reply that is made anew.
    if known.blocks.count > known.promised { known.tail = nil }
  }

  /// Takes over the next of these blocks, as many as the store has in a row.
  ///
  /// To be called where the sequence ends with a block, and again behind each block that it lacked.
  ///
  /// - Returns: whether there were any.
  package func restore(_ prompt: [TokenID], in pool: KVBlockPool) -> Bool {
    let length = plan.blockLength
    guard count % length == 0 else { return false }
    let before = count
    while adoptShared(of: prompt, in: pool) {}
    if count / length < known.blocks.count || known.tail != nil {
      if count == 0 { restoreBeginning(of: prompt, in: pool) }
      // Behind a block that had to be read again, one by one: so the window is whole wherever the next
      // gap is.
      while count % length == 0,
        adoptShared(of: prompt, in: pool) || restoreNext(of: prompt, in: pool)
      {}
    }
    guard count > before else { return false }
    account.cached += count - before
    resumedAt = count
    // Those in the window as well: when they leave it they are not put again, and are recalled from there.
    if index != nil { store.warm(identities, within: Self.patience) }
    return true
  }

  /// The next place at which a block may be taken over again; nil when there is none.
  package var nextRestorable: Int? {
    let next = count / plan.blockLength + 1
    guard next <= known.blocks.count else { return nil }
    let block = known.blocks[next...].firstIndex { store.tiers.contains($0) }
    return (block ?? (known.tail == nil ? nil : known.blocks.count)).map { $0 * plan.blockLength }
  }

  // MARK: - From the beginning

  /// Takes over all blocks before the first one that cannot be used: of those that have left the window
  /// only what the index holds.
  private func restoreBeginning(of prompt: [TokenID], in pool: KVBlockPool) {
    let length = plan.blockLength
    var passages: [Passage] = []
    for block in known.blocks.indices {
      guard let passage = passage(of: block, in: prompt) else { break }
      passages.append(passage)
    }
    passages.removeLast(passages.count - worthRestoring(passages.count))
    while !passages.isEmpty {
      guard let held = working.adopt(passages.count * length, from: pool) else { return }
      let broken = held.first { !load($0, into: working.heldBlock($0)!, of: pool) }
      guard let broken else { break }
      // What comes before it may still be good.
      working.removeAll(from: pool)
      passages.removeLast(passages.count - broken)
    }
    guard !passages.isEmpty else { return }
    let blocks = passages.count
    index?.reserve(blocks)
    for block in 0..<blocks { adopt(block, passages[block], of: prompt) }
    kept = blocks
  }

  /// How many of the first `count` blocks are taken over sooner than read.
  private func worthRestoring(_ count: Int) -> Int {
    func tiers(_ blocks: some Sequence<Int>) -> [Tier] {
      blocks.compactMap { store.tiers.tier(of: known.blocks[$0]) }
    }
    let length = plan.blockLength
    let first = working.firstBlock(seenBy: count * length)
    if store.costs.pays(tiers(first..<count), over: count * length) { return count }
    // With a window the few blocks in it stand for all before them.
    let worth =
      first > 0
      ? 0 : (0..<count).firstIndex { !store.costs.pays(tiers([$0]), over: length) } ?? count
    restoring.declined += count - worth
    store.costs.note(declined: Set(tiers(worth..<count)))
    for block in worth..<count { known.unusable.insert(block) }
    return worth
  }

  // MARK: - One by one

  private func restoreNext(of prompt: [TokenID], in pool: KVBlockPool) -> Bool {
    let length = plan.blockLength
    let block = count / length
    if block == known.blocks.count { return restoreTail(of: prompt, in: pool) }
    guard block < known.blocks.count, let passage = passage(of: block, in: prompt),
      let held = working.adoptNext(length, from: pool)
    else { return false }
    guard load(block, into: held, of: pool) else {
      working.retract(to: block * length, in: pool)
      return false
    }
    indexReadBlocks(in: pool)
    index?.reserve(block + 1)
    adopt(block, passage, of: prompt)
    slide(in: pool)
    return true
  }

  /// Takes over the session's last block, which is not full.
  private func restoreTail(of prompt: [TokenID], in pool: KVBlockPool) -> Bool {
    guard let tail = known.tail else { return false }
    known.tail = nil
    let block = count / plan.blockLength
    let start = block * plan.blockLength
    // One that was left behind by a turn that was taken back is gone, and no loss.
    guard let passage = store.passage(tail), passage.tokens.count < plan.blockLength,
      prompt.count > start + passage.tokens.count, prompt[start...].starts(with: passage.tokens),
      let held = working.adoptNext(passage.tokens.count, from: pool)
    else { return false }
    guard unsafe store.restore(tail, into: pool.pointer(to: held)) else {
      working.retract(to: start, in: pool)
      note(reread: passage.tokens.count, Self.lost)
      return false
    }
    indexReadBlocks(in: pool)
    tokens += passage.tokens
    resumedTail = tail
    hide(tail)
    // What other sessions' blocks took part in it, its name stands for.
    let parent = identities.last ?? root
    if tail != parent.child(passage.tokens[...]) { seen[block] = [tail] }
    slide(in: pool)
    return true
  }

  /// Indexes what was read since the last step, before what was not is indexed behind it.
  private func indexReadBlocks(in pool: KVBlockPool) {
    guard let index else { return }
    for block in (indexed.first ?? 0)..<identities.count {
      guard let held = working.heldBlock(block) else { return }
      index.put(
        halves: unsafe store.vectors(
          of: pool.pointer(to: held), tokens: plan.blockLength, ordinal: block), block: block)
      for layer in 0..<layers { indexed[layer] = block + 1 }
    }
  }

  /// Lets go of the block that was not full when the sequence went on from it, once what it has become is
  /// safe.
  func dropOutgrownTail() {
    guard let resumedTail, account.dropped == 0, tokens.count > resumedAt else { return }
    // It is a copy too many, no more: what fails here is written again with the next one.
    _ = try? store.tiers.invalidate(.block(resumedTail))
  }

  /// What it took to go on, and what reading takes.
  package var restoreAccount: RestoreAccount {
    var account = restoring
    account.readingBlock = store.costs.readingToken.map {
      .seconds($0 * Double(plan.blockLength))
    }
    return account
  }

  // MARK: - Single blocks

  private static let lost = "what was kept of them is gone or damaged"

  private func note(reread count: Int, _ reason: String) {
    account.reread += count
    account.reasonForRereading = account.reasonForRereading ?? reason
  }

  /// What the store knows of a block that it should have; nil when it cannot be used.
  private func passage(of block: Int, in prompt: [TokenID]) -> Passage? {
    guard !known.unusable.contains(block) else { return nil }
    let length = plan.blockLength
    if store.tiers.contains(known.blocks[block]), let passage = store.passage(known.blocks[block]),
      index == nil
        || passage.scorer == plan.options.scorer
          && passage.vectors.count == layers * plan.index.layerCount,
      passage.tokens.elementsEqual(prompt[block * length..<(block + 1) * length])
    {
      return passage
    }
    giveUp(block)
    return nil
  }

  private func load(_ block: Int, into held: KVBlockID, of pool: KVBlockPool) -> Bool {
    let tier = store.tiers.tier(of: known.blocks[block])
    let begun = ContinuousClock.now
    guard unsafe store.restore(known.blocks[block], into: pool.pointer(to: held)) else {
      giveUp(block)
      return false
    }
    let duration = ContinuousClock.now - begun
    restoring.blocks += 1
    restoring.duration += duration
    if let tier { store.costs.note(restoredFrom: tier, duration) }
    return true
  }

  private func giveUp(_ block: Int) {
    guard known.unusable.insert(block).inserted, block < known.promised else { return }
    note(reread: plan.blockLength, Self.lost)
  }

  /// Notes a block whose bytes are where they belong.
  private func adopt(_ block: Int, _ passage: Passage, of prompt: [TokenID]) {
    tokens += passage.tokens
    identities.append(known.blocks[block])
    hide(known.blocks[block])
    guard let index else { return }
    index.put(halves: passage.vectors, block: block)
    for layer in 0..<layers { indexed[layer] = block + 1 }
  }
}
