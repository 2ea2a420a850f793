/// What an engine remembers, to be looked at and forgotten: the passages of every session that its
/// model has read, in the store's folder or, without one, in memory.
///
///     for found in try await engine.memory.search("the harbour", in: "default") {
///       print(found.score, found.passage.text)
///     }
///
/// Its work takes turns with replies on the engine's thread. A session under way is not in memory as a
/// whole before its reply has ended.
public struct EngineMemory: Sendable {
  let core: EngineCore

  /// What each namespace holds, of all that is in the store by now.
  public func holdings() async throws(EngineError) -> MemoryHoldings {
    try await core.withMemory { (memory) throws(EngineError) in try memory.holdings() }
  }

  /// The passages of a namespace that share telling words with `text`, the best match first: what the
  /// words weigh is all that counts, as it is for recall. Common words tell nothing.
  public func search(
    _ text: String, in namespace: String, limit: Int = 10
  ) async -> [FoundPassage] {
    await core.withMemory { $0.search(text, in: namespace, limit: limit) }
  }

  /// A passage and its neighbours.
  ///
  /// - Parameter id: its id, or at least the first six digits of it.
  /// - Throws: ``EngineError/Code/memory`` when none or several have it.
  public func passage(
    _ id: String, in namespace: String
  ) async throws(EngineError) -> PassageInPlace {
    try await core.withMemory { (memory) throws(EngineError) in
      try memory.passage(id, in: namespace)
    }
  }

  /// How many passages, concepts and turns of conversations ``forget(_:in:evenPinned:askedIn:)`` would
  /// forget.
  public func count(
    _ selection: MemorySelection, in namespace: String, evenPinned: Bool = false
  ) async throws(EngineError) -> Int {
    try await core.withMemory { (memory) throws(EngineError) in
      try memory.allow(selection, in: namespace, evenPinned: evenPinned, asking: nil)
      return try memory.count(selection, in: namespace)
    }
  }

  /// Forgets passages: text, keys and values leave memory at once, and the store's files before it
  /// returns. What passages that stay have seen of them is not undone.
  ///
  /// - Parameters:
  ///   - evenPinned: whether pinned sessions may lose something by it.
  ///   - conversation: the one that asks: whatever it is, it may forget what is its own.
  /// - Returns: how many; none when nothing is selected.
  /// - Throws: ``EngineError/Code/memory`` for an id that none or several have, and when files
  ///   cannot be written: call it again then. ``EngineError/Code/session`` when a session would lose
  ///   something that another process is running, or that is pinned.
  public func forget(
    _ selection: MemorySelection, in namespace: String, evenPinned: Bool = false,
    askedIn conversation: Conversation? = nil
  ) async throws(EngineError) -> ForgottenPassages {
    let asking = conversation?.memoryName
    return try await core.withMemory { (memory) throws(EngineError) in
      try memory.allow(selection, in: namespace, evenPinned: evenPinned, asking: asking)
      return try memory.forget(selection, in: namespace)
    }
  }

  /// Makes concepts of what a namespace's passages say more than once and of what replies keep recalling,
  /// and lets go of those that are none any more. Where nothing has changed since the last time, nothing
  /// is done.
  ///
  /// Replies go on meanwhile, and wait for no more than one concept of at most 64 tokens. When the task
  /// is cancelled, what was made stays, and the next call goes on.
  ///
  /// - Parameter onProgress: concepts that are there, of how many; called from any thread.
  public func consolidate(
    _ namespace: String = "default",
    onProgress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws(EngineError) -> ConsolidationReport {
    try await core.consolidateNow(namespace, onProgress: onProgress)
  }

  /// Reads every block back and checks it against its checksums. A cancelled check ends with what it
  /// has found so far.
  ///
  /// - Parameter namespace: nil: all of them.
  public func verify(in namespace: String? = nil) async throws(EngineError) -> MemoryCheck {
    try await core.checkMemory(in: namespace)
  }

  /// Lets go of a session's passages as budgets do when there is no room, concepts aside. For tests and
  /// evaluations of what is left then.
  package func letGo(session: String, of namespace: String) async throws(EngineError) {
    try await core.withMemory { (memory) throws(EngineError) in
      try memory.letGo(session: session, of: namespace)
    }
  }
}
