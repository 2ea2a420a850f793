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
/// Blocks are counted by the pool, so a sequence is never copied but forked (``fork(in:)``). A block
/// may then have several holders: whoever appends to one that others hold too writes into a copy.
///
/// Invariant: `held` are the blocks `firstHeld...` of the sequence in order, the last one possibly
/// partial; `sinkBlock` is block 0 once it has left the window. Each is counted once in the pool.
package struct WorkingMemory: ~Copyable {
  package let window: Window
  package let sinks: Int
  package let blockLength: Int

  /// Tokens read so far.
  package private(set) var count = 0
  /// Tokens that have left the window for good, sinks not counted.
  package private(set) var evicted = 0
  /// Blocks that were copied because another sequence held them too.
  package private(set) var copied = 0

  /// Blocks held now, the sinks' included.
  package var heldBlocks: Int { held.count + (sinkBlock == nil ? 0 : 1) }

  /// All of them.
  package var blocks: [KVBlockID] { (sinkBlock.map { [$0] } ?? []) + held }

  /// The blocks in the window in order, sinks that have left it not among them.
  package internal(set) var held: [KVBlockID] = []
  private var firstHeld = 0
  var sinkBlock: KVBlockID?
  /// Whether its blocks are elsewhere: `held` and `sinkBlock` then only count.
  var isParked = false
  /// Blocks that it may come to hold in its window.
  let roomForBlocks: Int

  /// Memory for a sequence of at most `capacity` tokens (full) or of any length (sliding), read in
  /// steps of up to `stepTokens`; room for its block table is reserved here.
  package init(
    window: Window, sinks: Int, blockLength: Int, capacity: Int, stepTokens: Int = 0
  ) {
    self.window = window
    self.sinks = window == .full ? 0 : min(sinks, blockLength)
    self.blockLength = blockLength
    roomForBlocks =
      Self.blocks(window, capacity: capacity, blockLength: blockLength, stepTokens: stepTokens) + 1
    held.reserveCapacity(roomForBlocks)
  }

  /// A second sequence of the same tokens, which holds the same blocks: it takes none. To be called
  /// between steps, as a copy holds what the last pass has written.
  package func fork(in pool: KVBlockPool) -> WorkingMemory {
    precondition(!isParked, "a sequence without blocks cannot share them")
    for block in blocks { pool.retain(block) }
    return WorkingMemory(sharing: self)
  }

  private init(sharing other: borrowing WorkingMemory) {
    window = other.window
    sinks = other.sinks
    blockLength = other.blockLength
    count = other.count
    evicted = other.evicted
    held = other.held
    roomForBlocks = other.roomForBlocks
    firstHeld = other.firstHeld
    sinkBlock = other.sinkBlock
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
  package func firstBlock(seenBy index: Int) -> Int {
    guard case .sliding(let tokens) = window, index + 1 > tokens else { return 0 }
    return (index + 1 - tokens) / blockLength
  }

  /// Appends `tokens` to the sequence and to `step`: their slots, and one run for each stretch of
  /// them that shares a view. Logits are wanted for the last `logits` of them.
  ///
  /// Call `slide` after the step has run. When the pool has too few blocks left for them, and for a copy
  /// of the last block where another sequence holds it too, nothing changes and the answer is false.
  ///
  /// - Parameters:
  ///   - rooms: blocks that each layer may put before the window of each run.
  ///   - every: runs also end at multiples of this index, so that each may see other such blocks.
  ///   - views: where those places are, appended run by run when there are `rooms`.
  package mutating func append(
    _ tokens: Span<TokenID>, to step: Step, from pool: KVBlockPool, logits: Int,
    rooms: Int, every: Int, views: inout [RunView]
  ) -> Bool {
    let end = count + tokens.count
    let blocksNeeded = (end + blockLength - 1) / blockLength - (firstHeld + held.count)
    let copies = tokens.isEmpty || !isTailShared(in: pool) ? 0 : 1
    guard max(0, blocksNeeded) + copies <= pool.available else { return false }
    if copies > 0 { _ = claimTail(in: pool) }
    for _ in 0..<max(0, blocksNeeded) { held.append(pool.take()!) }

    var index = count
    while index < end {
      let first = firstBlock(seenBy: index)
      var runEnd = end
      if case .sliding(let tokens) = window {
        // The window of `index` holds until the next block is wholly older.
        runEnd = min(end, (first + 1) * blockLength + tokens - 1)
      }
      if rooms > 0 { runEnd = min(runEnd, (index / every + 1) * every) }
      appendRun(
        tokens, at: index - count, count: runEnd - index, index: index, first: first, to: step,
        from: pool, logitsFrom: end - logits, rooms: rooms, views: &views)
      index = runEnd
    }
    count = end
    return true
  }

  /// Whether the next token's slot is in a block that another sequence holds too.
  private func isTailShared(in pool: KVBlockPool) -> Bool {
    count % blockLength != 0 && pool.isShared(held[count / blockLength - firstHeld])
  }

  /// Makes the block that the next token goes into the sequence's own, so that it may be written.
  ///
  /// - Returns: false when the pool has no block left to copy it into.
  package mutating func claimTail(in pool: KVBlockPool) -> Bool {
    guard isTailShared(in: pool) else { return true }
    let place = count / blockLength - firstHeld
    guard let copy = pool.takeCopy(of: held[place]) else { return false }
    pool.release(held[place])
    held[place] = copy
    copied += 1
    return true
  }

  /// The same for a sequence that sees its sinks and its window only.
  package mutating func append(
    _ tokens: Span<TokenID>, to step: Step, from pool: KVBlockPool, logits: Int
  ) -> Bool {
    var views: [RunView] = []
    return append(
      tokens, to: step, from: pool, logits: logits, rooms: 0, every: blockLength, views: &views)
  }

  private func appendRun(
    _ tokens: Span<TokenID>, at offset: Int, count rows: Int, index: Int, first: Int,
    to step: Step, from pool: KVBlockPool, logitsFrom: Int, rooms: Int, views: inout [RunView]
  ) {
    let firstRow = step.rows
    for row in 0..<rows {
      let position = index + row
      let block = held[position / blockLength - firstHeld]
      unsafe step.append(
        tokens[offset + row], block: pool.pointer(to: block), slot: position % blockLength,
        wantsLogits: position >= logitsFrom)
    }
    let firstSpan = step.spanCount
    let layerBytes = pool.layout.layerByteCount
    let hasSlid = first > 0
    let sinkPlace = step.spanCount
    if sinks > 0, hasSlid || rooms > 0 {
      let block = sinkBlock ?? held[0]
      unsafe step.see(
        block: pool.pointer(to: block), stride: layerBytes, start: 0, count: hasSlid ? sinks : 0)
    }
    let room = step.reserve(spans: rooms)
    let windowPlace = step.spanCount
    let start = hasSlid ? sinks : 0
    let end = index + rows
    for block in first...((end - 1) / blockLength) {
      unsafe step.see(
        block: pool.pointer(to: held[block - firstHeld]), stride: layerBytes,
        start: start + (block - first) * blockLength,
        count: min(blockLength, end - block * blockLength))
    }
    step.endRun(
      rows: rows, position: start + index - first * blockLength,
      // Recalled blocks and, before them, the sinks lie below the window.
      least: rooms > 0 ? -rooms * blockLength : 0, spans: step.spanCount - firstSpan)
    guard rooms > 0 else { return }
    views.append(
      RunView(
        row: firstRow, rows: rows, index: index, firstBlock: first, sinkPlace: sinkPlace,
        room: room, windowPlace: windowPlace))
  }

  /// The block that holds the sequence's block number `index`; nil when it has left.
  package func heldBlock(_ index: Int) -> KVBlockID? {
    if index == 0, let sinkBlock { return sinkBlock }
    return index >= firstHeld && index < firstHeld + held.count ? held[index - firstHeld] : nil
  }

  /// Blocks that `slide` is about to let go of, as numbers in the sequence.
  package var leaving: Range<Int> { firstHeld..<max(firstHeld, firstBlock(seenBy: count)) }

  /// Begins the sequence behind its first `count` tokens, read before: takes room for the blocks that a
  /// next token sees, which the caller fills.
  ///
  /// - Returns: their numbers in the sequence; nil when the pool has too few.
  package mutating func adopt(_ count: Int, from pool: KVBlockPool) -> [Int]? {
    precondition(self.count == 0, "only an empty sequence can begin behind others' blocks")
    let blocks = (count + blockLength - 1) / blockLength
    let first = min(blocks, firstBlock(seenBy: count))
    let keepsSinks = first > 0 && sinks > 0
    guard blocks - first + (keepsSinks ? 1 : 0) <= pool.available else { return nil }
    self.count = count
    firstHeld = first
    if keepsSinks { sinkBlock = pool.take()! }
    for _ in first..<blocks { held.append(pool.take()!) }
    evicted = max(0, first * blockLength - (keepsSinks ? sinks : 0))
    return (keepsSinks ? [0] : []) + Array(first..<blocks)
  }

  /// Goes on behind a block's end with a full block that another sequence holds, too.
  package mutating func adoptShared(_ block: KVBlockID, in pool: KVBlockPool) {
    precondition(count % blockLength == 0)
    pool.retain(block)
    held.append(block)
    count += blockLength
  }

  /// Goes on behind a block's end with another block, read before, of which `count` slots are filled.
  ///
  /// - Returns: the block, which the caller fills; nil when the pool has none.
  package mutating func adoptNext(_ count: Int, from pool: KVBlockPool) -> KVBlockID? {
    precondition(self.count % blockLength == 0 && count <= blockLength)
    guard let block = pool.take() else { return nil }
    held.append(block)
    self.count += count
    return block
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

  /// Takes the sequence back to its first `count` tokens, as if the others had never been appended. To
  /// be called before `slide`, which lets go of what they might have needed.
  package mutating func retract(to count: Int, in pool: KVBlockPool) {
    let blocks = (count + blockLength - 1) / blockLength
    precondition(count <= self.count && blocks >= firstHeld, "what has left cannot come back")
    while firstHeld + held.count > blocks { pool.release(held.removeLast()) }
    self.count = count
  }

  /// Gives all blocks back. The sequence is empty afterwards.
  package mutating func removeAll(from pool: KVBlockPool) {
    if !isParked {
      for block in held { pool.release(block) }
      if let sinkBlock { pool.release(sinkBlock) }
    }
    isParked = false
    held.removeAll(keepingCapacity: true)
    sinkBlock = nil
    firstHeld = 0
    count = 0
    evicted = 0
  }
}
