internal import Cache
internal import Cascade

/// The parts of a consolidation that need the compute thread.
extension MemoryKeeper {
  func consolidator(of namespace: String) throws(EngineError) -> Consolidator {
    try EngineError.aboutMemory { () throws(StoreError) in try store.tiers.refresh() }
    return try EngineError.aboutCatalog { () throws(CatalogError) in
      try store.consolidator(of: namespace, options: consolidation, filler: tokenizer.filler)
    }
  }

  /// Lets go of the gists of concepts that the catalog does not have any more.
  func drop(_ concepts: Set<BlockIdentity>, of namespace: String) throws(EngineError) {
    try EngineError.aboutMemory { () throws(StoreError) in
      try store.drop(concepts, of: namespace)
    }
  }

  /// Tells recall of a concept whose gist is there.
  func remember(_ concept: Concept, of namespace: String) {
    store.remember(concept, of: namespace)
  }

  /// Waits until the gists that were made would survive the process.
  func settle() throws(EngineError) {
    try EngineError.aboutMemory { () throws(StoreError) in try store.tiers.flush() }
  }

  /// See ``EngineMemory/letGo(session:of:)``.
  func letGo(session: String, of namespace: String) throws(EngineError) {
    try EngineError.aboutMemory { () throws(StoreError) in
      _ = try store.forget(session: session, of: namespace)
    }
  }
}
