package import Model

/// A sequence's working memory: which KV blocks it holds and what each of its tokens may see.
///
/// With a sliding window, sinks stand at virtual positions `0..<sinks` and the window follows at
/// once, so no position beyond `sinks + window + block` is ever used, however long the text (Xiao et
/// al. 2023, "StreamingLLM", arXiv:2309.17453: positions inside the cache, not in the text). The
/// window slides by whole blocks; true relative distances hold within it.
///
/// What a token sees depends on its index in the sequence alone, never on how the sequence was cut
/// into steps.
///
/// Invariant: `held` are the blocks `firstHeld...` of the sequence in order, the last one possibly
/// partial; `sinkBlock` is block 0 once it has left the window.
package struct WorkingMemory {
  package let window: Window
  package let sinks: Int
  package let blockLength: Int

  /// Tokens read so far.
  package private(set) var count = 0
  /// Tokens that have left the window for good, sinks not counted.
  package private(set) var evicted = 0

  /// Blocks held now, the sinks' included.
  package var heldBlocks: Int { held.count + (sinkBlock == nil ? 0 : 1) }

  /// The blocks in the window in order, sinks that have left it not among them.
  package private(set) var held: [KVBlockID] = []
  private var firstHeld = 0
  private var sinkBlock: KVBlockID?

  /// Memory for a sequence of at most `capacity` tokens (full) or of any length (sliding), read in
  /// steps of up to `stepTokens`; room for its block table is reserved here.
  package init(
    window: Window, sinks: Int, blockLength: Int, capacity: Int, stepTokens: Int = 0
  ) {
    self.window = window
    self.sinks = window == .full ? 0 : min(sinks, blockLength)
    self.blockLength = blockLength
    held.reserveCapacity(
      Self.blocks(window, capacity: capacity, blockLength: blockLength, stepTokens: stepTokens) + 1)
  }

  /// Blocks that a sequence may hold at once: of at most `capacity` tokens with a full window, of any
  /// length, in steps of up to `stepTokens`, with a sliding one.
  package static func blocks(
    _ window: Window, capacity: Int, blockLength: Int, stepTokens: Int = 0
  ) -> Int {
    switch window {
    case .full: (capacity + blockLength - 1) / blockLength
    case .sliding(let tokens): (tokens + stepTokens + blockLength - 1) / blockLength + 3
    }
  }

  /// Virtual positions that views of a sequence use, as a count from 0. Only a full window depends on
  /// the sequence's length, `capacity`.
  package static func positions(
    _ window: Window, sinks: Int, capacity: Int, blockLength: Int
  ) -> Int {
    switch window {
    case .full: capacity
    case .sliding(let tokens): sinks + tokens + blockLength
    }
  }

  /// First block in the window of token `index`: the window slides once a whole block is older
  /// than its last `tokens`.
  private func firstBlock(seenBy index: Int) -> Int {
    guard case .sliding(let tokens) = window, index + 1 > tokens else { return 0 }
    return (index + 1 - tokens) / blockLength
  }

  /// Appends `tokens` to the sequence and to `step`: their slots, and one run for each stretch of
  /// them that shares a view. Logits are wanted for the last `logits` of them.
  ///
  /// Call `slide` after the step has run. When the pool has no block left, nothing is appended and
  /// the answer is false.
  package mutating func append(
    _ tokens: Span<TokenID>, to step: Step, from pool: KVBlockPool, logits: Int
  ) -> Bool {
    let end = count + tokens.count
    let blocksNeeded = (end + blockLength - 1) / blockLength - (firstHeld + held.count)
    guard blocksNeeded <= pool.available else { return false }
    for _ in 0..<max(0, blocksNeeded) { held.append(pool.take()!) }

    var index = count
    while index < end {
      let first = firstBlock(seenBy: index)
      var runEnd = end
      if case .sliding(let tokens) = window {
        // The window of `index` holds until the next block is wholly older.
        runEnd = min(end, (first + 1) * blockLength + tokens - 1)
      }
      appendRun(
        tokens, at: index - count, count: runEnd - index, index: index, first: first, to: step,
        from: pool, logitsFrom: end - logits)
      index = runEnd
    }
    count = end
    return true
  }

  private func appendRun(
    _ tokens: Span<TokenID>, at offset: Int, count rows: Int, index: Int, first: Int,
    to step: Step, from pool: KVBlockPool, logitsFrom: Int
  ) {
    for row in 0..<rows {
      let position = index + row
      let block = held[position / blockLength - firstHeld]
      unsafe step.append(
        tokens[offset + row], block: pool.pointer(to: block), slot: position % blockLength,
        wantsLogits: position >= logitsFrom)
    }
    var spans = 0
    var start = 0
    if first > 0, sinks > 0 {
      let block = sinkBlock ?? held[0]
      unsafe step.see(block: pool.pointer(to: block), start: 0, count: sinks)
      start = sinks
      spans += 1
    }
    let end = index + rows
    for block in first...((end - 1) / blockLength) {
      unsafe step.see(
        block: pool.pointer(to: held[block - firstHeld]),
        start: start + (block - first) * blockLength,
        count: min(blockLength, end - block * blockLength))
      spans += 1
    }
    step.endRun(rows: rows, position: start + index - first * blockLength, spans: spans)
  }

  /// Lets go of the blocks that no later token will see. To be called between steps.
  package mutating func slide(in pool: KVBlockPool) {
    let first = firstBlock(seenBy: count)
    while firstHeld < first, let block = held.first {
      if firstHeld == 0, sinks > 0 {
        sinkBlock = block
        evicted += blockLength - sinks
      } else {
        pool.release(block)
        evicted += blockLength
      }
      held.removeFirst()
      firstHeld += 1
    }
  }

  /// Gives all blocks back. The sequence is empty afterwards.
  package mutating func removeAll(from pool: KVBlockPool) {
    for block in held { pool.release(block) }
    if let sinkBlock { pool.release(sinkBlock) }
    held.removeAll(keepingCapacity: true)
    sinkBlock = nil
    firstHeld = 0
    count = 0
    evicted = 0
  }
}
