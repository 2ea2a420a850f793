internal import Cache
internal import Cascade

/// Mending what a check has found. Each part that fails says so, and the others go on.
extension StoreKeeper {
  func repair(_ check: inout StoreCheck, _ repairs: StoreRepairs) {
    // Damaged records first: the catalog and the sessions are compared with what is left.
    attempt(&check) { (check) throws(EngineError) in try dropRecords(&check, repairs) }
    for (number, finding) in repairs.segments {
      attempt(&check) { (check) throws(EngineError) in
        try leaveDamage(of: number, finding, &check)
      }
    }
    for (number, finding) in repairs.unreadable {
      attempt(&check) { (check) throws(EngineError) in
        try setAside(number, finding, suffix: repairs.suffix, &check)
      }
    }
    if !repairs.catalog.isEmpty {
      attempt(&check) { (check) throws(EngineError) in try mendCatalog(&check, repairs) }
    } else {
      attempt(&check) { (check) throws(EngineError) in try tidyCatalog(&check, repairs) }
    }
  }

  private func attempt(
    _ check: inout StoreCheck, _ body: (inout StoreCheck) throws(EngineError) -> Void
  ) {
    do throws(EngineError) {
      try body(&check)
    } catch {
      check.note(.failure, isDamage: true, error.message)
    }
  }

  private func dropRecords(
    _ check: inout StoreCheck, _ repairs: StoreRepairs
  ) throws(EngineError) {
    guard !repairs.records.isEmpty else { return }
    let forgotten = try EngineError.aboutMemory { () throws(StoreError) in
      try store.forget(Set(repairs.records.keys))
    }
    for finding in repairs.records.values { check.findings[finding].isRepaired = true }
    let count = repairs.records.count
    check.repairs.append(
      "dropped \(count == 1 ? "1 damaged record" : "\(count) damaged records"), whose text is read again when "
        + "it is wanted.")
    if forgotten.segmentsLeft > 0 {
      check.note(
        .segment, isDamage: false,
        "\(forgotten.segmentsLeft) files still hold bytes of damaged records, which nothing uses: another "
          + "process writes to them.")
    }
  }

  private func leaveDamage(
    of number: Int, _ finding: Int, _ check: inout StoreCheck
  ) throws(EngineError) {
    let conditions = try EngineError.aboutMemory { () throws(StoreError) in
      try tiers.segmentConditions()
    }
    // Dropping records, or another finding, may have done it.
    guard let segment = conditions.first(where: { $0.number == number }) else {
      check.findings[finding].isRepaired = true
      return
    }
    let isDone = try EngineError.aboutMemory { () throws(StoreError) in
      try tiers.compact(segment: number)
    }
    if isDone {
      check.findings[finding].isRepaired = true
      check.repairs.append(
        "\(segment.path): copied what is whole, and removed the rest with the file.")
    } else {
      check.note(
        .segment, isDamage: false,
        "\(segment.path): another process writes to it; check again when that one has ended.")
    }
  }

  private func setAside(
    _ number: Int, _ finding: Int, suffix: String, _ check: inout StoreCheck
  ) throws(EngineError) {
    let path = try EngineError.aboutMemory { () throws(StoreError) in
      try tiers.setAside(segment: number, suffix: suffix)
    }
    guard let path else { return }
    check.findings[finding].isRepaired = true
    check.repairs.append("renamed a segment that cannot be read to \(path).")
  }

  // MARK: - Catalog

  private func mendCatalog(
    _ check: inout StoreCheck, _ repairs: StoreRepairs
  ) throws(EngineError) {
    // Not by building indexes anew, which would settle for what a damaged table still has.
    let result = try EngineError.aboutCatalog { () throws(CatalogError) in
      try store.rescueCatalog(suffix: repairs.suffix)
    }
    guard let result else {
      check.note(
        .catalog, isDamage: false,
        "the catalog cannot be begun anew while another process has the store open, or a session is in "
          + "use; end it and check again.")
      return
    }
    for finding in repairs.catalog { check.findings[finding].isRepaired = true }
    if let orphans = repairs.orphans { check.findings[orphans].isRepaired = true }
    check.repairs.append(
      "renamed the catalog that is damaged to \(result.movedTo), and began another with the "
        + "\(result.sessions) sessions and \(result.turns) turns that could be read of it; what it knew of "
        + "concepts comes back with spark memory consolidate.")
    if !result.broken.isEmpty {
      check.repairs.append(
        "kept \(result.broken.joined(separator: ", ")) though turns are missing there, or are not what was said."
      )
    }
  }

  /// Takes out what refers to what is not there.
  private func tidyCatalog(
    _ check: inout StoreCheck, _ repairs: StoreRepairs
  ) throws(EngineError) {
    try EngineError.aboutCatalog { () throws(CatalogError) in
      guard let catalog = try store.existingCatalog() else { return }
      if let orphans = repairs.orphans {
        let count = try catalog.removeOrphans()
        check.findings[orphans].isRepaired = true
        check.repairs.append("took \(count) rows out of the catalog that belonged to nothing.")
      }
      for (session, firstMissing, finding) in repairs.sessions {
        try clear(session, firstMissing, finding, catalog, &check)
      }
    }
    for (session, finding) in repairs.locks { removeLock(of: session, finding, &check) }
  }

  private func clear(
    _ session: KeptSession, _ firstMissing: Int?, _ finding: Int, _ catalog: Catalog,
    _ check: inout StoreCheck
  ) throws(CatalogError) {
    guard let lock = lock(session.id) else {
      check.note(
        .session, isDamage: false, "session \(session.name) is in use, and is left as it is.")
      return
    }
    try withExtendedLifetime(lock) { () throws(CatalogError) in
      try catalog.dropSequence(of: session.id, fromBlock: firstMissing)
    }
    check.findings[finding].isRepaired = true
    check.repairs.append(
      "session \(session.name) refers no longer to blocks that are not there.")
  }

  private func removeLock(of session: Int64, _ finding: Int, _ check: inout StoreCheck) {
    guard let lock = lock(session) else { return }
    lock.remove()
    check.findings[finding].isRepaired = true
    check.repairs.append("removed the lock of a session that is not there any more.")
  }

  /// Nil when somebody has it.
  private func lock(_ session: Int64) -> SessionLock? {
    store.directory.flatMap { try? SessionLock(directory: $0, session: session) }
  }
}
