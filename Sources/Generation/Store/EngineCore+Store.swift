internal import Cache
internal import Cascade

/// Upkeep of the store, in pieces, so that replies go on in between.
extension EngineCore {
  private var storeKeeper: StoreKeeper { StoreKeeper(store: memory.store) }

  func storeStatus() throws(EngineError) -> StoreStatus { try storeKeeper.status() }

  func checkStore(
    repairing: Bool, onProgress: @Sendable (_ done: Int, _ total: Int) -> Void
  ) async throws(EngineError) -> StoreCheck {
    var check = StoreCheck()
    var repairs = StoreRepairs(now: memory.store.now())
    let records = try storeKeeper.beginCheck(&check, &repairs)
    let total = records.reduce(0) { $0 + $1.place.byteCount }
    for record in records {
      check.isCancelled = Task.isCancelled
      if check.isCancelled { return check }
      storeKeeper.check(record, &check, &repairs)
      onProgress(check.recordBytes, total)
      await Task.yield()
    }
    storeKeeper.checkCatalog(&check, &repairs)
    storeKeeper.checkFolder(&check, &repairs)
    if repairing { storeKeeper.repair(&check, repairs) }
    return check
  }

  func compactStore(
    onProgress: @Sendable (_ done: Int, _ total: Int) -> Void
  ) async throws(EngineError) -> StoreCompaction {
    var result = StoreCompaction()
    try EngineError.aboutMemory { () throws(StoreError) in try memory.store.tiers.refresh() }
    result.before = try storeKeeper.files()
    if options.storeBytes != nil {
      try EngineError.aboutMemory { () throws(StoreError) in
        try memory.store.tiers.shrinkToBudget()
      }
    }
    let segments = try storeKeeper.deadSegments()
    for (index, segment) in segments.enumerated() {
      result.isCancelled = Task.isCancelled
      if result.isCancelled { break }
      try storeKeeper.compact(segment, &result)
      onProgress(index + 1, segments.count)
      await Task.yield()
    }
    if !result.isCancelled { try storeKeeper.compactCatalog(&result) }
    result.after = try storeKeeper.files()
    return result
  }
}
