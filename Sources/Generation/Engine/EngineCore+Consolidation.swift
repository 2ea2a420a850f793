internal import Cache
internal import Cascade

/// Semantic memory's consolidation: planned beside the compute thread, made on it one gist at a time, so
/// that no reply waits for more.
extension EngineCore {
  /// - Parameters:
  ///   - rest: called after each gist with the time it took.
  ///   - onProgress: gists that are there, of how many.
  @concurrent
  nonisolated func consolidate(
    _ namespace: String, rest: @Sendable (Duration) async -> Void = { _ in },
    onProgress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws(EngineError) -> ConsolidationReport {
    let consolidator = try await consolidator(of: namespace)
    var report = ConsolidationReport(namespace: namespace)
    let planned = try EngineError.aboutCatalog { () throws(CatalogError) in
      try consolidator.work { Task.isCancelled }
    }
    guard let work = planned else {
      report.isCancelled = true
      return report
    }
    report.statements = work.statements
    report.isUnchanged = work.isUnchanged
    report.concepts = work.concepts.count
    if work.isUnchanged { return report }
    if !work.obsolete.isEmpty {
      try EngineError.aboutCatalog { () throws(CatalogError) in
        try consolidator.remove(work.obsolete)
      }
      try await drop(work.obsolete, of: namespace)
      report.dropped = work.obsolete.count
    }
    for (index, planned) in work.concepts.enumerated() {
      report.isCancelled = Task.isCancelled
      if report.isCancelled {
        report.concepts = index
        break
      }
      try EngineError.aboutCatalog { () throws(CatalogError) in
        try consolidator.save(planned.concept)
      }
      let begun = ContinuousClock.now
      guard try await make(planned, of: namespace) else {
        // Replies hold all there is; the next time goes on.
        report.isCancelled = true
        report.concepts = index
        break
      }
      if planned.isMissing {
        report.made += 1
        await rest(ContinuousClock.now - begun)
      }
      onProgress(index + 1, work.concepts.count)
    }
    if report.made > 0 { try await settle() }
    if !report.isCancelled {
      try EngineError.aboutCatalog { () throws(CatalogError) in try consolidator.finish(work) }
    }
    return report
  }

  private func consolidator(of namespace: String) throws(EngineError) -> Consolidator {
    try memory.consolidator(of: namespace)
  }

  private func drop(
    _ concepts: Set<BlockIdentity>, of namespace: String
  ) throws(EngineError) {
    try memory.drop(concepts, of: namespace)
  }

  private func make(
    _ planned: Consolidator.Planned, of namespace: String
  ) throws(EngineError) -> Bool {
    if planned.isMissing {
      guard try makeGist(planned.sequence, of: namespace) else { return false }
    }
    memory.remember(planned.concept, of: namespace)
    return true
  }

  private func settle() throws(EngineError) { try memory.settle() }
}
