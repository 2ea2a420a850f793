internal import Cache
internal import Cascade
internal import Model

/// Looks into an engine's memory and forgets what is in it. On the compute thread.
struct MemoryKeeper {
  let store: EpisodeStore
  let tokenizer: Tokenizer

  // MARK: - Looking

  func holdings() throws(EngineError) -> MemoryHoldings {
    try EngineError.aboutMemory { () throws(StoreError) in try store.tiers.refresh() }
    var holdings = MemoryHoldings()
    var bytes: [BlockIdentity: MemoryHoldings.Bytes] = [:]
    for block in store.tiers.footprints() {
      let isSeen = !block.isForeign && block.attributes.model == store.model.low
      if isSeen {
        bytes[block.identity] = MemoryHoldings.Bytes(block)
      } else {
        holdings.unseenBlocks += 1
        holdings.unseenBytes += MemoryHoldings.Bytes(block)
      }
    }
    var names: [String: (namespace: MemoryHoldings.Namespace, sessions: Set<String>)] = [:]
    for kept in store.passages() {
      let name = kept.passage.namespace
      var entry = names[name] ?? (MemoryHoldings.Namespace(name: name), [])
      entry.sessions.insert(kept.passage.session)
      entry.namespace.sessions = entry.sessions.count
      entry.namespace.passages += 1
      entry.namespace.tokens += kept.passage.tokens.count
      entry.namespace.bytes += bytes[kept.identity] ?? MemoryHoldings.Bytes()
      names[name] = entry
    }
    holdings.namespaces = names.values.map(\.namespace).sorted { $0.name < $1.name }
    return holdings
  }

  func search(_ text: String, in namespace: String, limit: Int) -> [FoundPassage] {
    guard text.contains(where: { !$0.isWhitespace }) else { return [] }
    // A word is another token at the beginning of a text than behind a space.
    let tokens =
      tokenizer.encode(" " + text, addSpecial: false) + tokenizer.encode(text, addSpecial: false)
    return store.search(tokens, in: namespace, limit: max(0, limit)).map { kept, score in
      FoundPassage(passage: told(kept), score: score)
    }
  }

  func passage(_ id: String, in namespace: String) throws(EngineError) -> PassageInPlace {
    let all = store.passages(in: namespace)
    let kept = try find(id, among: all, of: namespace)
    let parent = kept.passage.parent
    return PassageInPlace(
      passage: told(kept),
      previous: all.first { $0.identity == parent }?.identity.description,
      next: all.filter { $0.passage.parent == kept.identity }.map(\.identity.description))
  }

  private func find(
    _ id: String, among all: [EpisodeStore.Kept], of namespace: String
  ) throws(EngineError) -> EpisodeStore.Kept {
    let index = try PassageID.find(
      id, among: all.map(\.identity.description), in: namespace)
    return all[index]
  }

  private func told(_ kept: EpisodeStore.Kept) -> StoredPassage {
    let passage = kept.passage
    return StoredPassage(
      id: kept.identity.description, namespace: passage.namespace, session: passage.session,
      turn: passage.turn, block: passage.ordinal, time: passage.time, tokens: passage.tokens,
      text: String(decoding: tokenizer.decode(passage.tokens), as: UTF8.self),
      place: store.tiers.tier(of: kept.identity).map(RecalledPassage.Place.init))
  }

  // MARK: - Forgetting

  /// How many passages a selection has.
  func count(_ selection: MemorySelection, in namespace: String) throws(EngineError) -> Int {
    switch selection {
    case .session(let session): store.blocks(session: session, of: namespace)
    case .everything: store.blocks(session: nil, of: namespace)
    case .passage, .containing: try identities(selection, in: namespace).count
    }
  }

  func forget(
    _ selection: MemorySelection, in namespace: String
  ) throws(EngineError) -> ForgottenPassages {
    let forgotten: TieredStore.Forgotten
    switch selection {
    case .session(let session):
      forgotten = try EngineError.aboutMemory { () throws(StoreError) in
        try store.forget(session: session, of: namespace)
      }
    case .everything:
      forgotten = try EngineError.aboutMemory { () throws(StoreError) in
        try store.forget(session: nil, of: namespace)
      }
    case .passage, .containing:
      let victims = try identities(selection, in: namespace)
      forgotten = try EngineError.aboutMemory { () throws(StoreError) in
        try store.forget(victims)
      }
    }
    return ForgottenPassages(passages: forgotten.blocks, filesLeft: forgotten.segmentsLeft)
  }

  private func identities(
    _ selection: MemorySelection, in namespace: String
  ) throws(EngineError) -> Set<BlockIdentity> {
    let all = store.passages(in: namespace)
    switch selection {
    case .passage(let id): return [try find(id, among: all, of: namespace).identity]
    case .containing(let text): return passages(containing: Array(text.utf8), among: all)
    case .session(let session):
      return Set(all.filter { $0.passage.session == session }.map(\.identity))
    case .everything: return Set(all.map(\.identity))
    }
  }

  /// The passages that say `text`, or a part of it where it runs on from one to the next.
  private func passages(
    containing text: [UInt8], among all: [EpisodeStore.Kept]
  ) -> Set<BlockIdentity> {
    guard !text.isEmpty else { return [] }
    var parents: [BlockIdentity: BlockIdentity] = [:]
    var bytes: [BlockIdentity: [UInt8]] = [:]
    for kept in all {
      parents[kept.identity] = kept.passage.parent
      bytes[kept.identity] = kept.passage.tokens.flatMap { tokenizer.piece($0) }
    }
    var found: Set<BlockIdentity> = []
    for kept in all {
      // What comes before it, as far back as a text that ends in it can begin.
      var line = [kept.identity]
      var joined = bytes[kept.identity]!
      let own = joined.count
      while joined.count - own < text.count - 1, let parent = parents[line.last!],
        let before = bytes[parent]
      {
        line.append(parent)
        joined.insert(contentsOf: before, at: 0)
      }
      for start in joined.starts(of: text) where start + text.count > joined.count - own {
        var end = joined.count
        for identity in line where end > start {
          let begin = end - bytes[identity]!.count
          if begin < start + text.count { found.insert(identity) }
          end = begin
        }
      }
    }
    return found
  }

  // MARK: - Remembering a text

  /// Whether every block of a text is in the store, and nothing else is its session's.
  func knows(_ tokens: [TokenID], as session: String, in namespace: String) -> Bool {
    let chain = store.chain(of: tokens, in: namespace)
    return chain.allSatisfy(store.tiers.contains)
      && others(than: Set(chain), as: session, in: namespace).isEmpty
  }

  /// Forgets what a session holds beside a text.
  func forget(
    allBut tokens: [TokenID], as session: String, in namespace: String
  ) throws(EngineError) -> ForgottenPassages {
    let chain = Set(store.chain(of: tokens, in: namespace))
    let victims = others(than: chain, as: session, in: namespace)
    guard !victims.isEmpty else { return ForgottenPassages(passages: 0, filesLeft: 0) }
    let forgotten = try EngineError.aboutMemory { () throws(StoreError) in
      try store.forget(victims)
    }
    return ForgottenPassages(passages: forgotten.blocks, filesLeft: forgotten.segmentsLeft)
  }

  private func others(
    than chain: Set<BlockIdentity>, as session: String, in namespace: String
  ) -> Set<BlockIdentity> {
    Set(
      store.passages(in: namespace).lazy
        .filter { $0.passage.session == session && !chain.contains($0.identity) }
        .map(\.identity))
  }

  // MARK: - Checking

  /// What is to be checked.
  func beginCheck(of namespace: String?) throws(EngineError) -> [BlockIdentity] {
    try EngineError.aboutMemory { () throws(StoreError) in try store.tiers.refresh() }
    return store.identities(in: namespace)
  }

  func check(_ identity: BlockIdentity, _ check: inout MemoryCheck) {
    // Told before: damage takes it away.
    let kept = store.kept(identity)
    check.passages += 1
    func note(_ reason: String) {
      check.damaged.append(
        MemoryCheck.Damage(
          id: identity.description, passage: kept.map(told), reason: reason))
    }
    do throws(StoreError) {
      try store.tiers.verify(identity)
      if kept == nil { note("what was kept beside its keys and values cannot be read.") }
    } catch {
      switch error.code {
      case .missing:
        check.passages -= 1
        check.incomplete += 1
      default: note(error.message)
      }
    }
  }

  /// What the store had to say, apart from single passages.
  func endCheck(_ check: inout MemoryCheck) {
    check.remarks += store.tiers.takeReports().map(\.message)
  }
}

extension MemoryHoldings.Bytes {
  fileprivate init(_ block: BlockFootprint) {
    self.init(memory: block.exactBytes, compressed: block.packedBytes, disk: block.diskBytes)
  }

  fileprivate static func += (left: inout Self, right: Self) {
    left.memory += right.memory
    left.compressed += right.compressed
    left.disk += right.disk
  }
}

extension [UInt8] {
  /// Where `part`, which is not empty, begins in these bytes.
  fileprivate func starts(of part: [UInt8]) -> [Int] {
    guard count >= part.count else { return [] }
    return (0...count - part.count).filter { start in
      self[start] == part[0] && self[start..<start + part.count].elementsEqual(part)
    }
  }
}
