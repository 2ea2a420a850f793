package import Cache
package import Model

/// All that one sequence remembers: its window, the index of what has left it, and what each layer
/// sees of both and of other sessions.
///
/// Not thread-safe: the engine's compute thread owns it.
@safe
package final class SequenceMemory {
  package let owner: MemoryOwner
  package internal(set) var working: WorkingMemory
  let plan: RecallPlan
  /// What each layer finds its own past by; nil when nothing is recalled.
  let index: BlockIndex?
  /// Blocks whose keys the index holds, for each layer.
  var indexed: [Int]
  /// What other sessions have left; nil when it is not to be seen.
  let past: PastMemory?
  /// Entries of the past that this sequence must not see beside itself.
  private var hidden: Set<Int> = []
  /// Every block that was filled, in order.
  package internal(set) var identities: [BlockIdentity] = []
  package internal(set) var tokens: [TokenID] = []
  /// Turns that ended before each block that was begun.
  var turns: [Int] = [0]
  /// Whether a prompt is being read: what is not in memory is then worth waiting for.
  package var isReading = true
  /// The first token that was generated, and not read; `.max`: there is none.
  private var firstGenerated = Int.max
  /// Where this step's runs keep room for recalled blocks.
  var views: [RunView] = []
  /// Where the words at each of `views` point; nothing where a view's choice is that of the one before.
  private(set) var routes: [Route] = []
  /// What the words of blocks that have left the window are found by.
  var words: LexicalIndex
  /// The latest turn of the prompt, which begins at token `asked`: from it on, and because of its words
  /// alone, other sessions may take part.
  var question: [TokenID] = []
  var asked = 0
  /// Where the question's words up to `end` point in the past, as found last.
  var askedRoute: (end: Int, route: Route)?
  /// What each layer has chosen.
  let picks: UnsafeMutablePointer<Picks>
  /// The latest queries of each layer, [layers][every][heads * d]: a ring by index.
  let queries: UnsafeMutablePointer<Float>
  private let queryCount: Int
  package internal(set) var account: MemoryAccount
  var restoring = RestoreAccount()

  let store: EpisodeStore
  /// Tokens that a sequence with a full window may come to hold.
  let capacity: Int
  let root: BlockIdentity
  let layers: Int
  let turnEnds: Set<TokenID>
  /// Other sessions' blocks that took part in each block that is not named yet.
  var seen: [Int: Set<BlockIdentity>] = [:]
  /// Every block of the namespace's past that has taken part.
  package private(set) var recalled: Set<BlockIdentity> = []
  /// Blocks not named yet that were computed while a chosen block was not there.
  var missed: Set<Int> = []
  /// A number that no other sequence has.
  let nonce: UInt64
  /// Blocks of its prompt that others may share.
  var shared: [BlockIdentity] = []
  /// Where its blocks are while it is parked.
  var parked: ScratchFile?
  /// Whether what layers have chosen has to be found again, as it was lent before the sequence was parked.
  var mustFetch = false
  /// Blocks that the store has been given.
  var kept = 0
  /// Blocks that the text begins with, as they were named when it was read before.
  var known = KnownBlocks()
  /// The token that it went on from behind blocks that it has not computed.
  package internal(set) var resumedAt = 0
  /// The block that it went on in, as it was then.
  var resumedTail: BlockIdentity?
  /// What has been recalled; nil unless it is to be told.
  var trail: RecallTrail?
  /// Whether there are forks of it, of which only one is to leave something.
  var isOnTrial = false
  /// What it has put since, in order.
  var onTrial: [BlockIdentity] = []

  /// - Parameters:
  ///   - capacity: tokens that a sequence with a full window may come to hold.
  ///   - turnEnds: tokens that end a turn of a chat.
  ///   - nonce: a number that no other sequence has.
  package init(
    owner: MemoryOwner, capacity: Int, stepTokens: Int, turnEnds: Set<TokenID>, store: EpisodeStore,
    nonce: UInt64 = .random(in: .min ... .max)
  ) {
    self.nonce = nonce
    self.owner = owner
    self.store = store
    self.capacity = capacity
    self.turnEnds = turnEnds
    plan = store.plan
    words = LexicalIndex(rarity: store.rarity)
    root = store.root(of: owner)
    working = WorkingMemory(
      window: plan.window, sinks: plan.sinks, blockLength: plan.blockLength, capacity: capacity,
      stepTokens: stepTokens)
    let recalls = owner.scope != .none && plan.rooms > 0
    index = recalls ? BlockIndex(layout: plan.index) : nil
    past = recalls && owner.scope == .namespace ? store.past(of: owner.namespace) : nil
    if past != nil { store.preload() }
    layers = plan.index.layers
    indexed = Array(repeating: 0, count: layers)
    account = MemoryAccount()
    if owner.explains { trail = RecallTrail() }
    unsafe picks = .allocate(capacity: layers)
    for layer in 0..<layers {
      unsafe (picks + layer).initialize(to: Picks(capacity: recalls ? plan.rooms : 0))
    }
    queryCount =
      recalls ? layers * plan.options.every * plan.index.heads * plan.index.headDimension : 0
    unsafe queries = .allocate(capacity: queryCount)
    unsafe queries.initialize(repeating: 0, count: queryCount)
    views.reserveCapacity(stepTokens + 1)
    routes.reserveCapacity(stepTokens + 1)
    growTokens(to: plan.window == .full ? capacity : 16 * plan.blockLength)
  }

  /// A sequence with the same past, see ``fork(in:)``.
  init(forking other: SequenceMemory, in pool: KVBlockPool) {
    (owner, store, capacity, turnEnds) = (other.owner, other.store, other.capacity, other.turnEnds)
    (plan, root, layers, past) = (other.plan, other.root, other.layers, other.past)
    // What it computes without a block that it should have seen is not what another computes so.
    nonce = .random(in: .min ... .max)
    working = other.working.fork(in: pool)
    index = other.index.map(BlockIndex.init(forking:))
    (indexed, words) = (other.indexed, other.words)
    (identities, tokens, turns) = (other.identities, other.tokens, other.turns)
    (hidden, seen, recalled, missed) = (other.hidden, other.seen, other.recalled, other.missed)
    (question, asked, askedRoute) = (other.question, other.asked, other.askedRoute)
    (kept, ended, tail, known) = (other.kept, other.ended, other.tail, other.known)
    (resumedAt, resumedTail) = (other.resumedAt, other.resumedTail)
    (isReading, account, restoring, trail) = (
      other.isReading, other.account, other.restoring, other.trail
    )
    firstGenerated = other.firstGenerated
    (isOnTrial, onTrial, mustFetch) = (true, other.onTrial, other.mustFetch)
    unsafe picks = .allocate(capacity: layers)
    for layer in 0..<layers {
      unsafe (picks + layer).initialize(to: Picks(capacity: other.picks[layer].capacity))
    }
    queryCount = other.queryCount
    unsafe queries = .allocate(capacity: queryCount)
    unsafe queries.initialize(from: other.queries, count: queryCount)
  }

  deinit {
    for layer in 0..<layers { giveBack(layer) }
    unsafe picks.deinitialize(count: layers)
    unsafe picks.deallocate()
    unsafe queries.deallocate()
  }

  package var count: Int { working.count }
  package var evicted: Int { working.evicted }
  package var heldBlocks: Int { working.heldBlocks }
  var rooms: Int { index == nil ? 0 : plan.rooms }

  // MARK: - Going on

  /// Says what is about to be asked: the prompt's latest turn, which begins at token `start`.
  package func ask(_ question: ArraySlice<TokenID>, at start: Int) {
    self.question = Array(question)
    asked = start
  }

  /// Appends tokens to the sequence and to `step`; see `WorkingMemory.append`.
  package func append(
    _ new: Span<TokenID>, to step: Step, from pool: KVBlockPool, logits: Int
  ) -> Bool {
    views.removeAll(keepingCapacity: true)
    step.nextIsPrompt = isReading
    if !isReading { firstGenerated = min(firstGenerated, tokens.count) }
    guard
      working.append(
        new, to: step, from: pool, logits: logits, rooms: rooms, every: plan.options.every,
        views: &views)
    else { return false }
    for index in new.indices { tokens.append(new[index]) }
    index?.reserve(working.count / plan.blockLength)
    routes.removeAll(keepingCapacity: true)
    for view in views { routes.append(route(at: view)) }
    return true
  }

  /// Takes the sequence back to its first `count` tokens, as if the others had never been read; see
  /// ``draftRoom``.
  package func retract(to count: Int, in pool: KVBlockPool) {
    precondition(count >= identities.count * plan.blockLength, "a block that has a name stays")
    working.retract(to: count, in: pool)
    tokens.removeLast(tokens.count - count)
    if count <= firstGenerated { firstGenerated = .max }
  }

  /// The forward cascade: names the blocks that the step has filled, and lets go of those that no
  /// later token will see, which the store is given first. To be called between steps.
  package func slide(in pool: KVBlockPool) {
    precondition(!isParked, "the window of a parked sequence cannot slide")
    nameFilledBlocks()
    let leaving = working.leaving
    if owner.scope != .none, !leaving.isEmpty {
      for block in leaving { keep(block, in: pool) }
      for layer in 0..<layers { forgetPlaces(layer) }
      if index != nil { readWords(below: leaving.upperBound) }
    }
    working.slide(in: pool)
    mustFetch = false
  }

  /// Makes room for a sequence of `count` tokens: at block boundaries only, so that the steps
  /// between allocate nothing.
  private func growTokens(to count: Int) {
    tokens.reserveCapacity(count)
    identities.reserveCapacity(count / plan.blockLength + 1)
  }

  func nameFilledBlocks() {
    while identities.count < tokens.count / plan.blockLength {
      let start = identities.count * plan.blockLength
      // What is read again keeps the name that what follows it was computed behind.
      let name = missed.contains(identities.count) ? nil : known.name(of: identities.count)
      identities.append(
        name ?? child(of: identities.last ?? root, start..<start + plan.blockLength))
      seen[identities.count - 1] = nil
      missed.remove(identities.count - 1)
      hide(identities.last!)
      share(identities.count - 1)
    }
    if plan.window != .full, tokens.capacity < tokens.count + 2 * plan.blockLength {
      growTokens(to: 2 * tokens.count)
    }
  }

  private func child(of parent: BlockIdentity, _ range: Range<Int>) -> BlockIdentity {
    let block = range.lowerBound / plan.blockLength
    let tookPart = seen[block]?.sorted { ($0.high, $0.low) < ($1.high, $1.low) } ?? []
    let identity = parent.child(
      tokens[range], seeing: tookPart, generated: firstGenerated(in: range))
    // What was computed without a block that it should have seen is like nothing that anyone would
    // compute from the same text: nobody is to find it by that.
    guard missed.contains(block) else { return identity }
    return identity.child([], seeing: [BlockIdentity(high: nonce, low: 0)])
  }

  /// Where the generated tokens of a block begin, if there are any and they are not computed like others.
  func firstGenerated(in range: Range<Int>) -> Int? {
    guard plan.tellsGenerated, firstGenerated < range.upperBound else { return nil }
    return max(range.lowerBound, firstGenerated) - range.lowerBound
  }

  /// Keeps what is the sequence's own from being recalled a second time as the past.
  func hide(_ identity: BlockIdentity) {
    guard let place = past?.place(of: identity) else { return }
    hidden.insert(place)
    askedRoute = nil
  }

  func mayRecall(past place: Int) -> Bool {
    past!.entries[place].session != owner.sessionKey && !hidden.contains(place)
  }

  /// Counts what a layer has just chosen for token `index` on, and remembers which other sessions took
  /// part in its block. A choice holds within a block, since there is one at the beginning of each.
  func noteChoice(_ layer: Int, at index: Int) {
    for place in unsafe 0..<picks[layer].count {
      account.recalled += 1
      let pick = unsafe picks[layer][place]
      trail?.note(pick)
      guard pick.isPast else { continue }
      account.recalledFromPast += 1
      recalled.insert(identity(of: pick))
      seen[index / plan.blockLength, default: []].insert(identity(of: pick))
    }
  }

  // MARK: - Keeping

  private func keep(_ block: Int, in pool: KVBlockPool) {
    guard block >= kept, var held = working.heldBlock(block) else { return }
    kept = block + 1
    let start = block * plan.blockLength
    let end = min(start + plan.blockLength, tokens.count)
    let isFull = end - start == plan.blockLength
    // What lies behind the last token is of drafts that were refused, or of whoever held the block
    // before: nobody's, and not to be kept.
    if !isFull {
      guard working.claimTail(in: pool) else {
        return drop(end - start, "the last block is shared and the KV cache has no room for a copy")
      }
      held = working.heldBlock(block)!
      pool.clear(held, from: end - start)
    }
    let bytes = unsafe UnsafePointer(pool.pointer(to: held))
    let parent = block == 0 ? root : identities[block - 1]
    let identity = isFull ? identities[block] : child(of: parent, start..<end)
    if !isFull { tail = identity }
    let isIndexed = isFull && index != nil && indexed.allSatisfy { $0 > block }
    let passage = Passage(
      session: owner.session, namespace: owner.namespace,
      parent: block == 0 ? nil : parent, ordinal: block,
      turn: turn(atBlock: block), time: 0,
      tokens: Array(tokens[start..<end]),
      vectors: isIndexed
        ? index!.halves(block: block)
        : unsafe store.vectors(of: bytes, tokens: end - start, ordinal: block),
      scorer: plan.options.scorer, kind: owner.kind)
    do throws(StoreError) {
      if isOnTrial, store.beginTrial(of: identity) { onTrial.append(identity) }
      if unsafe try store.put(identity, passage, bytes: bytes, isOnTrial: isOnTrial) {
        ended.append((identity, passage))
      } else {
        drop(end - start, "the memory's budgets have no room left")
      }
    } catch {
      // A reply does not end because memory fails; its account says what was lost.
      drop(end - start, error.description)
    }
  }

  func drop(_ count: Int, _ reason: String) {
    account.dropped += count
    account.reasonForDropping = account.reasonForDropping ?? reason
  }

  /// The last block, as it was kept before it was full.
  private var tail: BlockIdentity?

  /// What it has become, for whoever goes on with it. To be asked after `end`.
  ///
  /// - Parameter untold: tokens at its end of which no keys and values were computed.
  package func kept(untold: [TokenID]) -> KeptSequence {
    let isKept = owner.scope != .none
    return KeptSequence(
      root: root, tokens: tokens + untold, blocks: isKept ? identities : [],
      tail: isKept ? tail : nil)
  }

  /// What was put; the past is told once the sequence has ended.
  private var ended: [(BlockIdentity, Passage)] = []

  /// Gives all blocks back, after the store has been given what it does not have. The sequence is
  /// empty afterwards.
  package func end(in pool: KVBlockPool) {
    defer {
      letGo(in: pool)
      store.endTrials(of: onTrial)
      onTrial = []
    }
    if let trail { account.passages = passages(of: trail) }
    guard owner.scope != .none, owner.session != MemoryOwner.nobody else { return }
    nameFilledBlocks()
    for block in 0..<(tokens.count + plan.blockLength - 1) / plan.blockLength {
      keep(block, in: pool)
    }
    for (identity, passage) in ended { store.remember(identity, passage) }
    ended = []
  }

  /// Gives back all that it holds of pool and store.
  func letGo(in pool: KVBlockPool) {
    for layer in 0..<layers { giveBack(layer) }
    stopSharing()
    working.removeAll(from: pool)
    parked = nil
  }

  /// Waits until what the sequence has left would survive the process. To be called after `end`.
  package func settle() {
    do throws(StoreError) {
      try store.tiers.flush()
      dropOutgrownTail()
    } catch {
      drop(tokens.count, error.description)
    }
  }

  private func passages(of trail: RecallTrail) -> [RecalledPassage] {
    let length = plan.blockLength
    let told = trail.tallies.filter { $0.value.choices > 0 }.compactMap { key, tally in
      let block = Int(key.block)
      if !key.isPast {
        let start = block * length
        return RecalledPassage(
          session: owner.session, isConcept: false, isPast: false, turn: turn(atBlock: block),
          block: block,
          time: nil,
          tokens: Array(tokens[start..<min(start + length, tokens.count)]),
          choices: tally.choices, weight: tally.weight, place: .init(tally.tier))
      }
      // What was forgotten meanwhile is not told any more.
      return store.passage(past!.entries[block].identity).map { passage in
        RecalledPassage(
          session: passage.session, isConcept: passage.kind == .semantic, isPast: true,
          turn: passage.turn, block: passage.ordinal, time: passage.time, tokens: passage.tokens,
          choices: tally.choices,
          weight: tally.weight, place: .init(tally.tier))
      }
    }
    return told.sorted {
      ($0.choices, $0.time ?? .max, $0.block) > ($1.choices, $1.time ?? .max, $1.block)
    }
  }

  /// Turns that ended before a block.
  private func turn(atBlock block: Int) -> Int {
    let length = plan.blockLength
    while turns.count <= block {
      let start = (turns.count - 1) * length
      turns.append(turns.last! + tokens[start..<start + length].count { turnEnds.contains($0) })
    }
    return turns[block]
  }
}
