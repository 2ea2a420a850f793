internal import Cascade

/// The conversations that an engine's store keeps, of whatever model.
public struct EngineSessions: Sendable {
  let engine: Engine

  var desk: SessionDesk {
    get async throws(EngineError) { try await engine.core.sessionDesk() }
  }

  /// Those of a namespace, or of all: the one used last first.
  public func list(in namespace: String? = nil) async throws(EngineError) -> [SessionDescription] {
    let desk = try await desk
    return try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.sessions(in: namespace).map(SessionDescription.init)
    }
  }

  /// - Throws: ``EngineError/Code/session`` when there is none, as the others do.
  public func description(
    of name: String, in namespace: String
  ) async throws(EngineError) -> SessionDescription {
    SessionDescription(try await desk.session(name, in: namespace))
  }

  /// All that was said in a session, what the model is told to be first.
  public func messages(
    of name: String, in namespace: String
  ) async throws(EngineError) -> [ChatMessage] {
    let desk = try await desk
    return try desk.turns(of: desk.session(name, in: namespace).id).map(\.message)
  }

  public func rename(
    _ name: String, to newName: String, in namespace: String
  ) async throws(EngineError) {
    let desk = try await desk
    try desk.rename(desk.session(name, in: namespace).id, to: newName, in: namespace)
  }

  /// Keeps a session from being deleted, or lets it be again.
  public func pin(
    _ name: String, _ isPinned: Bool = true, in namespace: String
  ) async throws(EngineError) {
    let desk = try await desk
    let session = try desk.session(name, in: namespace)
    try EngineError.aboutCatalog { () throws(CatalogError) in
      try desk.catalog.pin(session.id, isPinned)
    }
  }

  /// Begins a session that holds what was said in another one so far, of whatever model.
  public func fork(
    _ name: String, as newName: String, in namespace: String
  ) async throws(EngineError) {
    let desk = try await desk
    _ = try desk.fork(desk.session(name, in: namespace).id, as: newName, in: namespace)
  }

  /// Deletes a session: what was said leaves the catalog, and what memory has of it the store's files,
  /// before it returns.
  ///
  /// - Throws: ``EngineError/Code/session`` also when it is pinned or in use.
  public func delete(
    _ name: String, in namespace: String
  ) async throws(EngineError) -> ForgottenPassages {
    let desk = try await desk
    let session = try desk.session(name, in: namespace)
    guard !session.isPinned else {
      throw EngineError(
        .session, "the session \(name) is pinned; unpin it first, with spark session unpin.")
    }
    let lock = try SessionLock.take(session, directory: desk.directory)
    // With the turns the session goes, in the transaction that forgets its concepts.
    let forgotten = try await engine.memory.forget(.session(session.memory), in: namespace)
    lock?.remove()
    return forgotten
  }
}
