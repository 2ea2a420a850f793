internal import Cache
internal import Cascade
internal import Glibc

/// Looks after an engine's store. On the compute thread.
struct StoreKeeper {
  let store: EpisodeStore

  var tiers: TieredStore { store.tiers }

  // MARK: - Status

  func status() throws(EngineError) -> StoreStatus {
    try EngineError.aboutMemory { () throws(StoreError) in try tiers.refresh() }
    var status = StoreStatus()
    status.folder = store.directory
    status.files = try files()
    let statistics = tiers.statistics()
    status.budget = statistics.tiers[.disk].budget
    countBlocks(&status)
    try countSessions(&status.sessions)
    status.activity = StoreStatus.Activity(statistics)
    return status
  }

  func files() throws(EngineError) -> StoreStatus.Files {
    var files = StoreStatus.Files()
    guard let directory = store.directory else { return files }
    let catalog = "\(directory)/\(Catalog.fileName)"
    files.catalog = Self.byteCount(catalog)
    files.catalogLog = Self.byteCount(catalog + "-wal")
    let segments = try EngineError.aboutMemory { () throws(StoreError) in
      try tiers.segmentConditions()
    }
    files.segments = segments.count
    files.dead = segments.reduce(0) { $0 + $1.deadBytes }
    files.live = segments.reduce(0) { $0 + $1.byteCount } - files.dead
    return files
  }

  private static func byteCount(_ path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private func countBlocks(_ status: inout StoreStatus) {
    var bytes = 0
    for block in tiers.footprints() {
      let tokens =
        tiers.anyMetadata(of: block.identity).flatMap(Passage.init(encoded:))?.tokens.count ?? 0
      let isSeen = !block.isForeign && block.attributes.model == store.model.low
      let part: WritableKeyPath<StoreStatus, StoreStatus.Part> =
        switch block.attributes.memory {
        case _ where !isSeen: \.unseen
        case .working: \.working
        case .episodic: \.episodic
        case .semantic: \.semantic
        }
      status[keyPath: part].blocks += 1
      status[keyPath: part].tokens += tokens
      status[keyPath: part].memoryBytes += block.exactBytes
      status[keyPath: part].compressedBytes += block.packedBytes
      status[keyPath: part].diskBytes += block.diskBytes
      if isSeen, block.diskBytes > 0 {
        status.compression.tokens += tokens
        bytes += block.diskBytes
      }
    }
    status.compression.exactBytesPerToken = Double(store.halfPrecisionBytesPerToken)
    if status.compression.tokens > 0 {
      status.compression.diskBytesPerToken = Double(bytes) / Double(status.compression.tokens)
    }
  }

  private func countSessions(_ sessions: inout StoreStatus.Sessions) throws(EngineError) {
    let (kept, figures) = try EngineError.aboutCatalog {
      () throws(CatalogError) -> ([KeptSession], Catalog.TurnFigures) in
      guard let catalog = try store.existingCatalog() else { return ([], Catalog.TurnFigures()) }
      return (try catalog.sessions(), try catalog.turnFigures())
    }
    let held = store.directory.map(SessionLock.held) ?? [:]
    sessions.count = kept.count
    (sessions.turns, sessions.turnBytes) = (figures.turns, figures.bytes)
    for session in kept {
      let name = StoreStatus.Sessions.Name(namespace: session.namespace, name: session.name)
      if session.isPinned { sessions.pinned.append(name) }
      if let holder = held[session.id] {
        sessions.running.append(.init(session: name, process: holder.process))
      }
    }
  }
}

extension StoreStatus.Activity {
  fileprivate init(_ statistics: StoreStatistics) {
    func tier(_ tier: Cache.Tier) -> Tier {
      let figures = statistics.tiers[tier]
      func requests(_ lookups: Lookups) -> Requests {
        Requests(hits: lookups.hits, misses: lookups.misses, hitRate: lookups.hitRate)
      }
      return Tier(
        bytes: figures.bytes, budget: figures.budget, all: requests(figures.lookups),
        working: requests(figures[.working].lookups),
        episodic: requests(figures[.episodic].lookups),
        semantic: requests(figures[.semantic].lookups), evictedFrames: figures[evicted: .room])
    }
    memory = tier(.exact)
    compressed = tier(.packed)
    disk = tier(.disk)
    bytesWritten = statistics.bytesWritten
    writeAmplification =
      statistics.newBytesWritten > 0 ? statistics.writeAmplification : nil
  }
}
