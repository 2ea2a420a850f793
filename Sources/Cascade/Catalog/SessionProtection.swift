package import Cache

/// Which blocks of a store its sessions need: those of sessions that are pinned, or that some process
/// is running.
///
/// A session's are the blocks that were put for it, which covers those of a reply under way, and those that
/// it goes on from, which may be another session's: a fork's are.
package enum SessionProtection {
  /// What is to be kept now. Reads the catalog and tries locks.
  ///
  /// - Parameter directory: the store's folder.
  /// - Throws: when the catalog cannot be read, and it is not known what is pinned.
  package static func current(in directory: String) throws(StoreError) -> BlockProtection {
    guard Catalog.exists(in: directory) else { return BlockProtection() }
    do throws(CatalogError) {
      let catalog = try Catalog(directory: directory)
      let held = SessionLock.held(in: directory)
      var protection = BlockProtection()
      for session in try catalog.sessions() where session.isPinned || held[session.id] != nil {
        protection.sessions.insert(session.memoryKey)
        guard let (sequence, _) = try catalog.sequence(of: session.id) else { continue }
        protection.blocks.formUnion(sequence.blocks)
        if let tail = sequence.tail { protection.blocks.insert(tail) }
      }
      return protection
    } catch {
      throw StoreError(.disk, error.message)
    }
  }
}

extension KeptSession {
  /// What blocks that were put for it are marked with; see ``BlockAttributes/session``.
  package var memoryKey: UInt64 { UInt64(naming: namespace, memory) }
}
