internal import Cache
internal import Cascade
internal import Model

/// Looks into an engine's memory and forgets what is in it. On the compute thread.
struct MemoryKeeper {
  let store: EpisodeStore
  let tokenizer: Tokenizer
  let consolidation: ConsolidationOptions

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
      let held = bytes[kept.identity] ?? MemoryHoldings.Bytes()
      if kept.isConcept {
        entry.namespace.concepts += 1
        entry.namespace.conceptBytes += held
      } else {
        entry.sessions.insert(kept.passage.session)
        entry.namespace.sessions = entry.sessions.count
        entry.namespace.passages += 1
        entry.namespace.tokens += kept.passage.tokens.count
        entry.namespace.bytes += held
      }
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
    let found = store.search(tokens, in: namespace, limit: max(0, limit))
    let links = found.contains { $0.kept.isConcept } ? self.links(in: namespace) : [:]
    return found.map { kept, score in
      FoundPassage(passage: told(kept, links[kept.identity]), score: score)
    }
  }

  func passage(_ id: String, in namespace: String) throws(EngineError) -> PassageInPlace {
    let all = store.passages(in: namespace)
    let kept = try find(id, among: all, of: namespace)
    let parent = kept.passage.parent
    let links = kept.isConcept ? self.links(in: namespace)[kept.identity] : nil
    return PassageInPlace(
      passage: told(kept, links),
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

  /// What concepts are linked to; nothing where the catalog cannot be read, which verifying tells.
  private func links(in namespace: String) -> [BlockIdentity: [Concept.Link]] {
    let concepts = try? store.existingCatalog()?.concepts(of: store.owner(of: namespace))
    return (concepts ?? []).reduce(into: [:]) { $0[$1.identity] = $1.links }
  }

  private func told(_ kept: EpisodeStore.Kept, _ links: [Concept.Link]? = nil) -> StoredPassage {
    let passage = kept.passage
    return StoredPassage(
      id: kept.identity.description, namespace: passage.namespace, session: passage.session,
      turn: passage.turn, block: passage.ordinal, time: passage.time, tokens: passage.tokens,
      text: String(decoding: tokenizer.decode(passage.tokens), as: UTF8.self),
      place: store.tiers.tier(of: kept.identity).map(RecalledPassage.Place.init),
      isConcept: kept.isConcept, links: (links ?? []).map(\.block.description))
  }

  // MARK: - Forgetting

  /// How many passages, concepts and turns a selection takes with it.
  func count(_ selection: MemorySelection, in namespace: String) throws(EngineError) -> Int {
    let victims = try victims(selection, in: namespace)
    let turns = try EngineError.aboutCatalog { () throws(CatalogError) in
      guard let spoken = selection.spoken else { return 0 }
      return try store.existingCatalog()?.count(spoken, in: namespace) ?? 0
    }
    return victims.passages.count + victims.concepts.count + turns
  }

  func forget(
    _ selection: MemorySelection, in namespace: String
  ) throws(EngineError) -> ForgottenPassages {
    try EngineError.aboutMemory { () throws(StoreError) in try store.tiers.refresh() }
    let victims = try victims(selection, in: namespace)
    let scope: EpisodeStore.Forgetting =
      switch selection {
      case .session(let session): .session(session)
      case .everything: .everything
      case .passage, .containing: .passages
      }
    return try forget(victims, scope, spoken: selection.spoken, in: namespace)
  }

  /// Forgets passages, and concepts first: while one of them is left, it may be made again.
  private func forget(
    _ victims: Victims, _ scope: EpisodeStore.Forgetting, spoken: Catalog.Spoken? = nil,
    in namespace: String
  ) throws(EngineError) -> ForgottenPassages {
    var (filesLeft, turns) = (0, 0)
    let catalog = try EngineError.aboutCatalog { () throws(CatalogError) in
      try store.existingCatalog()
    }
    if let catalog {
      try EngineError.aboutCatalog { () throws(CatalogError) in
        // What was said would be read, and remembered, with the session's next reply.
        if let spoken { turns = try catalog.forget(spoken, in: namespace) }
        try catalog.forget(
          concepts: victims.concepts, counted: victims.passages,
          everythingOf: scope == .everything ? namespace : nil)
        try catalog.forget(blocks: victims.passages)
        if try !catalog.purge() { filesLeft += 1 }
      }
    }
    let blocks = try EngineError.aboutMemory { () throws(StoreError) in
      if !victims.concepts.isEmpty {
        filesLeft = max(filesLeft, try store.forget(victims.concepts).segmentsLeft)
      }
      let forgotten =
        switch scope {
        case .session(let session): try store.forget(session: session, of: namespace)
        case .everything: try store.forget(session: nil, of: namespace)
        case .passages: try store.forget(victims.passages)
        }
      filesLeft = max(filesLeft, forgotten.segmentsLeft)
      return forgotten.blocks
    }
    return ForgottenPassages(
      passages: blocks, concepts: victims.concepts.count, turns: turns, filesLeft: filesLeft)
  }

  private struct Victims {
    var passages: Set<BlockIdentity>
    var concepts: Set<BlockIdentity>
  }

  private func victims(
    _ selection: MemorySelection, in namespace: String
  ) throws(EngineError) -> Victims {
    let blocks: Set<BlockIdentity>
    let touched: Catalog.Selection
    switch selection {
    case .session(let session):
      blocks = store.identities(session: session, of: namespace)
      touched = .session(UInt64(naming: namespace, session), blocks: blocks)
    case .everything:
      blocks = store.identities(session: nil, of: namespace)
      touched = .everything
    case .passage, .containing:
      blocks = try identities(selection, in: namespace)
      touched = .blocks(blocks)
    }
    return try victims(blocks, touched, in: namespace)
  }

  private func victims(
    _ blocks: Set<BlockIdentity>, _ touched: Catalog.Selection, in namespace: String
  ) throws(EngineError) -> Victims {
    let gists = store.gists(in: namespace)
    var concepts = blocks.intersection(gists)
    try EngineError.aboutCatalog { () throws(CatalogError) in
      if let catalog = try store.existingCatalog() {
        concepts.formUnion(try catalog.concepts(touchedBy: touched, in: namespace))
        // What a gist was made from is not known once the catalog does not know it.
        concepts.formUnion(
          gists.subtracting(try catalog.concepts(touchedBy: .everything, in: namespace)))
      } else {
        concepts.formUnion(gists)
      }
    }
    return Victims(passages: blocks.subtracting(concepts), concepts: concepts)
  }

  func identities(
    _ selection: MemorySelection, in namespace: String
  ) throws(EngineError) -> Set<BlockIdentity> {
    let all = store.passages(in: namespace)
    switch selection {
    case .passage(let id): return [try find(id, among: all, of: namespace).identity]
    case .containing(let text): return passages(containing: Array(text.utf8), among: all)
    case .session(let session):
      return store.identities(session: session, of: namespace)
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

  /// Tokens of a text whose blocks are not on disk, where there is one: a budget had no room for them.
  func letGo(of tokens: [TokenID], in namespace: String) -> Int {
    guard store.directory != nil else { return 0 }
    let length = store.layout.blockLength
    return store.chain(of: tokens, in: namespace).enumerated().reduce(0) { count, block in
      let isThere = store.tiers.block(block.element)?.isDurable ?? false
      return count + (isThere ? 0 : min(length, tokens.count - block.offset * length))
    }
  }

  /// Forgets what a session holds beside a text.
  func forget(
    allBut tokens: [TokenID], as session: String, in namespace: String
  ) throws(EngineError) -> ForgottenPassages {
    let chain = Set(store.chain(of: tokens, in: namespace))
    let others = others(than: chain, as: session, in: namespace)
    guard !others.isEmpty else {
      return ForgottenPassages(passages: 0, concepts: 0, turns: 0, filesLeft: 0)
    }
    return try forget(
      try victims(others, .blocks(others), in: namespace), .passages, in: namespace)
  }

  private func others(
    than chain: Set<BlockIdentity>, as session: String, in namespace: String
  ) -> Set<BlockIdentity> {
    Set(
      store.passages(in: namespace).lazy
        .filter { !$0.isConcept && $0.passage.session == session && !chain.contains($0.identity) }
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
    if kept?.isConcept == true { check.concepts += 1 }
    check.passages += 1
    func note(_ reason: String) {
      check.damaged.append(
        MemoryCheck.Damage(
          id: identity.description, passage: kept.map { told($0) }, reason: reason))
    }
    do throws(StoreError) {
      try store.tiers.verify(identity)
      if kept == nil { note("what was kept beside its keys and values cannot be read.") }
    } catch {
      switch error.code {
      case .missing:
        check.passages -= 1
        if kept?.isConcept == true { check.concepts -= 1 }
        check.incomplete += 1
      default: note(error.message)
      }
    }
  }

  /// What the store had to say, apart from single passages.
  func endCheck(_ check: inout MemoryCheck) {
    check.remarks += store.tiers.takeReports().map(\.message)
    do throws(CatalogError) {
      guard let catalog = try store.existingCatalog() else { return }
      let findings = try catalog.findings()
      check.remarks += findings.map { "\(catalog.path ?? "the catalog"): \($0)" }
    } catch {
      check.remarks.append(error.message)
    }
  }
}

extension MemorySelection {
  /// What of the sessions' turns goes with it.
  var spoken: Catalog.Spoken? {
    switch self {
    case .session(let session): .session(session)
    case .containing(let text): text.isEmpty ? nil : .containing(text)
    case .everything: .everything
    case .passage: nil
    }
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
