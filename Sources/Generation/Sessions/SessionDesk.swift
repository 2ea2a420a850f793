internal import Cascade

/// Where an engine's sessions are kept, and what time it is there.
struct SessionDesk: Sendable {
  let catalog: Catalog
  /// The store's folder; nil when sessions end with the engine.
  let directory: String?
  let now: @Sendable () -> Int64

  func session(_ name: String, in namespace: String) throws(EngineError) -> KeptSession {
    let session = try EngineError.aboutCatalog { () throws(CatalogError) in
      try catalog.session(named: name, in: namespace)
    }
    guard let session else { throw SessionNames.isMissing(name, in: namespace) }
    return session
  }

  func turns(of session: Int64) throws(EngineError) -> [KeptTurn] {
    try EngineError.aboutCatalog { () throws(CatalogError) in try catalog.turns(of: session) }
  }

  func rename(_ session: Int64, to name: String, in namespace: String) throws(EngineError) {
    try SessionNames.check(name, namespace: namespace)
    let isRenamed = try EngineError.aboutCatalog { () throws(CatalogError) in
      try catalog.rename(session, to: name)
    }
    guard isRenamed else { throw SessionNames.isTaken(name, in: namespace) }
  }

  func fork(
    _ session: Int64, as name: String, in namespace: String
  ) throws(EngineError) -> KeptSession {
    try SessionNames.check(name, namespace: namespace)
    let fork = try EngineError.aboutCatalog { () throws(CatalogError) in
      try catalog.fork(session, as: name, at: now())
    }
    guard let fork else { throw SessionNames.isTaken(name, in: namespace) }
    return fork
  }

  /// Begins a session; without a name one that tells the day.
  func begin(_ new: NewSession, named name: String?) throws(EngineError) -> KeptSession? {
    var new = new
    for number in 1... {
      new.name = name ?? SessionNames.name(at: new.created, number: number)
      let session = try EngineError.aboutCatalog { () throws(CatalogError) in
        try catalog.begin(new)
      }
      if let session { return session }
      if name != nil { return nil }
    }
    preconditionFailure("some number is free")
  }
}

extension EngineCore {
  /// Where sessions are kept; the catalog is made if it is not there.
  func sessionDesk() throws(EngineError) -> SessionDesk {
    let store = memory.store
    return try EngineError.aboutCatalog { () throws(CatalogError) in
      SessionDesk(catalog: try store.catalog(), directory: store.directory, now: store.now)
    }
  }

  /// The digest of the model's tensors.
  var modelDigest: ModelDigest { memory.store.model }
}
