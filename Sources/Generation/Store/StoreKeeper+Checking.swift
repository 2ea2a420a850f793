internal import Cache
internal import Cascade

/// What a check has found that could be mended.
struct StoreRepairs {
  /// What names of files that are kept aside end in: the time, which tells them apart.
  let suffix: String
  /// Blocks whose records are damaged; their findings' places.
  var records: [BlockIdentity: Int] = [:]
  /// Segments with damaged parts; their findings' places.
  var segments: [(number: Int, finding: Int)] = []
  var unreadable: [(number: Int, finding: Int)] = []
  /// The catalog's findings' places, and whether only rows without owners are wrong with it.
  var catalog: [Int] = []
  var orphans: Int?
  /// Sessions, and the first block that they lack; nil: the one that was not full.
  var sessions: [(session: KeptSession, firstMissing: Int?, finding: Int)] = []
  var locks: [(session: Int64, finding: Int)] = []

  init(now: Int64) { suffix = "damaged-\(now)" }
}

extension StoreCheck {
  /// - Returns: its place.
  @discardableResult
  mutating func note(_ kind: Finding.Kind, isDamage: Bool, _ message: String) -> Int {
    findings.append(Finding(kind: kind, message: message, isDamage: isDamage))
    return findings.count - 1
  }
}

extension StoreKeeper {
  // MARK: - Segments

  /// Notes what opening the files has found.
  ///
  /// - Returns: what is to be read.
  func beginCheck(
    _ check: inout StoreCheck, _ repairs: inout StoreRepairs
  ) throws(EngineError) -> [StoredRecord] {
    try EngineError.aboutMemory { () throws(StoreError) in try tiers.refresh() }
    var damage: [String] = []
    for report in tiers.takeReports() {
      switch report.kind {
      case .tornTail: check.note(.tornTail, isDamage: false, report.message)
      case .strayFile: check.note(.file, isDamage: false, report.message)
      case .damagedRecord: damage.append(report.message)
      // Found again by reading.
      case .damagedFrame, .unreadableSegment: break
      case .writeFailed, .readFailed, .traceFailed:
        check.note(.failure, isDamage: false, report.message)
      }
    }
    let (segments, unreadable) = try EngineError.aboutMemory { () throws(StoreError) in
      (try tiers.segmentConditions(), try tiers.unreadableSegments())
    }
    check.segments = segments.count + unreadable.count
    for segment in segments where segment.isDamaged {
      let told = damage.filter { $0.hasPrefix(segment.path + ":") }
      let messages =
        told.isEmpty ? ["\(segment.path): a part of it fails its checksum, and is not used."] : told
      for message in messages {
        let place = check.note(.segment, isDamage: true, message)
        repairs.segments.append((segment.number, place))
      }
    }
    for file in unreadable {
      if file.isNewer {
        check.note(
          .segment, isDamage: false,
          "\(file.path): a later version of Spark has written it; it is kept for that one.")
      } else {
        let place = check.note(
          .segment, isDamage: true,
          "\(file.path): it cannot be told what it holds, as its header is damaged; nothing of it is used."
        )
        repairs.unreadable.append((file.number, place))
      }
    }
    return tiers.records()
  }

  func check(_ record: StoredRecord, _ check: inout StoreCheck, _ repairs: inout StoreRepairs) {
    check.records += 1
    check.recordBytes += record.place.byteCount
    do throws(StoreError) {
      guard let reason = try tiers.check(record) else { return }
      let passage = tiers.anyMetadata(of: record.identity).flatMap(Passage.init(encoded:))
      let origin = passage.map { " (session \($0.session), block \($0.ordinal + 1))" } ?? ""
      repairs.records[record.identity] = check.note(
        .record, isDamage: true,
        "passage \(record.identity)\(origin): \(reason); its text has to be read again.")
    } catch {
      check.note(.failure, isDamage: true, error.message)
    }
  }

  // MARK: - Catalog

  func checkCatalog(_ check: inout StoreCheck, _ repairs: inout StoreRepairs) {
    do throws(CatalogError) {
      guard let catalog = try store.existingCatalog() else { return }
      let path = catalog.path ?? "the catalog"
      let condition = try catalog.condition()
      for finding in condition.findings {
        repairs.catalog.append(
          check.note(.catalog, isDamage: true, "\(path): SQLite finds: \(finding)."))
      }
      if !condition.orphans.isEmpty {
        let tables = condition.orphans.sorted { $0.key < $1.key }
          .map { "\($0.value) of \($0.key)" }.joined(separator: ", ")
        repairs.orphans = check.note(
          .catalog, isDamage: true,
          "\(path): rows belong to others that are not there: \(tables).")
      }
      try checkSessions(catalog, &check, &repairs)
    } catch {
      let place = check.note(
        error.code == .damaged ? .catalog : .failure, isDamage: true, error.message)
      if error.code == .damaged { repairs.catalog.append(place) }
    }
  }

  /// Whether each session's blocks are there. That some are not is no damage: their text is.
  private func checkSessions(
    _ catalog: Catalog, _ check: inout StoreCheck, _ repairs: inout StoreRepairs
  ) throws(CatalogError) {
    let damaged = Set(repairs.records.keys)
    for session in try catalog.sessions() {
      check.sessions += 1
      guard let (sequence, _) = try catalog.sequence(of: session.id) else { continue }
      func isHere(_ block: BlockIdentity) -> Bool {
        tiers.holds(block) && !damaged.contains(block)
      }
      let firstMissing = sequence.blocks.firstIndex { !isHere($0) }
      let isTailMissing = sequence.tail.map { !isHere($0) } ?? false
      guard firstMissing != nil || isTailMissing else { continue }
      let whole = firstMissing ?? sequence.blocks.count
      let length =
        sequence.blocks.first.flatMap { tiers.anyMetadata(of: $0) }
        .flatMap(Passage.init(encoded:))?.tokens.count ?? 0
      let tokens = max(0, sequence.tokens.count - whole * length)
      check.tokensToRead += tokens
      let missing = sequence.blocks.count { !isHere($0) } + (isTailMissing ? 1 : 0)
      let all = sequence.blocks.count + (sequence.tail == nil ? 0 : 1)
      let place = check.note(
        .session, isDamage: false,
        "session \(session.name) of the namespace \(session.namespace): \(missing) of its \(all) blocks are "
          + "not in the store; \(tokens) of its \(sequence.tokens.count) tokens are read again from the "
          + "text when it goes on.")
      repairs.sessions.append((session, firstMissing, place))
    }
  }

  // MARK: - Other files

  /// Notes locks, and what else lies in the folder.
  func checkFolder(_ check: inout StoreCheck, _ repairs: inout StoreRepairs) {
    guard let directory = store.directory else { return }
    // A catalog that cannot be read tells no lock's session.
    if let catalog = try? store.existingCatalog(), let sessions = try? catalog.sessions() {
      let held = SessionLock.held(in: directory)
      let names = Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0.name) })
      for id in SessionLock.files(in: directory).sorted() {
        if let holder = held[id] {
          let process = holder.process.map { "process \($0)" } ?? "another process"
          check.note(
            .lock, isDamage: false, "session \(names[id] ?? "\(id)") is in use by \(process).")
        } else if names[id] == nil {
          let place = check.note(
            .lock, isDamage: false,
            "\(SessionLock.path(directory, id)): the lock of a session that is not there any more.")
          repairs.locks.append((id, place))
        }
      }
    }
    do throws(DiskError) {
      for name in try tiers.disk.list(directory).sorted() where !Self.isOwn(name) {
        let isAside = name.hasPrefix("\(Catalog.fileName).damaged-")
        check.note(
          .file, isDamage: false,
          "\(directory)/\(name): "
            + (isAside
              ? "a catalog that was damaged and is kept; nothing uses it."
              : "it is not of the store; it is left as it is."))
      }
      for name in try tiers.disk.list("\(directory)/segments").sorted()
      where !Self.isOwn(segment: name) {
        check.note(
          .file, isDamage: false,
          "\(directory)/segments/\(name): "
            + (name.hasSuffix(".tmp")
              ? "another process is making a segment, or was killed while it did."
              : "it is not of the store, or was damaged and is kept; nothing uses it."))
      }
    } catch {
      check.note(.failure, isDamage: true, error.description + ".")
    }
  }

  private static func isOwn(_ name: String) -> Bool {
    [
      "segments", "locks", Catalog.fileName, Catalog.fileName + "-wal", Catalog.fileName + "-shm",
    ].contains(name)
  }

  private static func isOwn(segment name: String) -> Bool {
    ["presence.lock", "creation.lock"].contains(name) || name.hasSuffix(".seg")
  }
}
