package import Cache
package import Model

/// Making room for other sequences for a while.
extension SequenceMemory {
  /// Moves its blocks out of the pool, to a file without a name in the store's folder. Nothing else of it
  /// changes: it goes on later with the same bits.
  ///
  /// - Throws: where they cannot be written; they then stay where they are.
  package func park(in pool: KVBlockPool) throws(StoreError) {
    try StoreError.aboutParking { () throws(DiskError) in
      let file = try ScratchFile(
        in: store.directory ?? ScratchFile.temporaryFolder, name: "parked-\(nonce)",
        disk: store.tiers.disk)
      try working.park(to: file, in: pool)
      parked = file
    }
    stopSharing()
    // What layers have chosen is found again when it is next looked at.
    for layer in 0..<layers {
      for place in unsafe 0..<picks[layer].count {
        if let loan = unsafe picks[layer][place].loan { store.giveBack(loan) }
        unsafe picks[layer][place].loan = nil
        unsafe picks[layer][place].bytes = nil
      }
    }
  }

  /// Brings them back. False, and nothing has changed, where the pool has no room for them.
  package func unpark(in pool: KVBlockPool) throws(StoreError) -> Bool {
    guard let file = parked else { return true }
    let isBack = try StoreError.aboutParking { () throws(DiskError) in
      try working.unpark(from: file, in: pool)
    }
    guard isBack else { return false }
    parked = nil
    mustFetch = true
    return true
  }

  package var isParked: Bool { parked != nil }

  /// Ends it without leaving anything, as its blocks cannot be brought back.
  package func abandon(in pool: KVBlockPool) {
    if owner.scope != .none {
      drop(
        tokens.count, "they were moved out of memory for other replies, and could not be read back")
    }
    drop(in: pool)
  }

  /// Whether blocks that are not in memory are worth waiting for.
  var waitsForBlocks: Bool { isReading || mustFetch }
}

extension StoreError {
  fileprivate static func aboutParking<R>(
    _ body: () throws(DiskError) -> R
  ) throws(StoreError) -> R {
    do throws(DiskError) {
      return try body()
    } catch {
      throw StoreError(
        .disk, "\(error); a reply's keys and values could not be moved out of memory and back.")
    }
  }
}
