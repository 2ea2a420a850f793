/// The store of an engine as files: how full they are, whether they are whole, and their upkeep.
///
///     let check = try await engine.store.check(repairing: true)
///     for finding in check.findings { print(finding.message) }
///
/// All of it is about the whole store, whatever models have written to it. Its work takes turns with replies
/// on the engine's thread, a record or a file at a time.
public struct EngineStore: Sendable {
  let core: EngineCore

  /// What is in it, what it takes, and what this process has done with it.
  public func status() async throws(EngineError) -> StoreStatus {
    try await core.storeStatus()
  }

  /// Reads everything back, and compares it with its checksums. A cancelled check ends with what it has
  /// found so far, and mends nothing.
  ///
  /// - Parameters:
  ///   - repairing: whether to mend what can be: damaged records go, since their text can be read again;
  ///     a catalog that SQLite cannot read is kept aside, and another begun with what can be read of it.
  ///   - onProgress: bytes that were read, of how many; called from any thread.
  public func check(
    repairing: Bool = false,
    onProgress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws(EngineError) -> StoreCheck {
    try await core.checkStore(repairing: repairing, onProgress: onProgress)
  }

  /// Writes segments with dead bytes anew, and the catalog with its log. Where the engine was given a
  /// budget, what is too much for it goes first. What was done stays when the task is cancelled.
  ///
  /// - Parameter onProgress: segments that are done, of how many; called from any thread.
  public func compact(
    onProgress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws(EngineError) -> StoreCompaction {
    try await core.compactStore(onProgress: onProgress)
  }
}
