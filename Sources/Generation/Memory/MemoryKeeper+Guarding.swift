internal import Cache
internal import Cascade

/// Sessions that forgetting must not reach into.
extension MemoryKeeper {
  /// Refuses to forget what a session would lose that another process is running, or that is pinned.
  ///
  /// - Parameter asking: what memory knows the session by whose conversation asks; its own it may forget.
  func allow(
    _ selection: MemorySelection, in namespace: String, evenPinned: Bool, asking: String?
  ) throws(EngineError) {
    let sessions = try EngineError.aboutCatalog { () throws(CatalogError) -> [KeptSession] in
      guard let catalog = try store.existingCatalog() else { return [] }
      return try catalog.sessions(in: namespace)
    }
    guard !sessions.isEmpty else { return }
    let touched = try sessionsTouched(by: selection, in: namespace)
    for session in sessions where session.memory != asking && touched(session) {
      let holder = store.directory.flatMap { SessionLock.holder(of: session.id, in: $0) }
      if let holder, !holder.isSelf {
        throw EngineError.session(session.name, isHeldBy: holder.process)
      }
      guard evenPinned || !session.isPinned else {
        throw EngineError(
          .session,
          "the session \(session.name) is pinned; unpin it first, with spark session unpin, or have pinned ones "
            + "included, with --include-pinned.")
      }
    }
  }

  private func sessionsTouched(
    by selection: MemorySelection, in namespace: String
  ) throws(EngineError) -> (KeptSession) -> Bool {
    switch selection {
    case .session(let memory): return { $0.memory == memory }
    case .everything: return { _ in true }
    case .passage, .containing:
      let owners = Set(
        try identities(selection, in: namespace).compactMap { identity in
          store.kept(identity).flatMap { $0.isConcept ? nil : $0.passage.session }
        })
      let speakers = try EngineError.aboutCatalog { () throws(CatalogError) -> Set<Int64> in
        guard let spoken = selection.spoken else { return [] }
        return try store.existingCatalog()?.sessions(saying: spoken, in: namespace) ?? []
      }
      return { owners.contains($0.memory) || speakers.contains($0.id) }
    }
  }
}
