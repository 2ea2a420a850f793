/// The segment files of one folder: appending, scanning, compacting.
///
/// One thread at a time: whoever uses it holds the store's write gate. Reading frames needs only a
/// ``SegmentFile``, which ``SegmentTable`` gives to any thread.
///
/// Processes share a folder like this. Each appends to a segment of its own, on which it holds an
/// exclusive lock while it does; one that compacts holds that lock on the segment it copies from. Files
/// of others are read up to their last whole record, which never changes. Removing a file takes nothing
/// from a process that has it open. A torn tail is cut only by a process that is alone in the folder,
/// and to the last whole record: no other can have mapped what is cut.
final class SegmentStore {
  let folder: String
  let disk: any Disk
  let segmentBytes: Int
  let table: SegmentTable

  var segments: [Int: Segment] = [:]
  private(set) var tombstones = Tombstones()
  /// The segment that this process appends to.
  var active: Int?
  /// Held as long as the store is open, so that others know that they are not alone.
  private(set) var presence: FileDescriptor?
  /// Files that could not be read, and why. A tombstone may be needed for them.
  var unreadable: [Int: SegmentFileHeader.Failure] = [:]
  /// Whether names that were made or removed would survive a loss of power.
  var isFolderSynced = true
  /// What reading the folder has found and could not pass on yet, as it failed half-way.
  private var findings = Findings()

  /// Reports that nobody has taken.
  var reports: [StoreReport] = []

  private(set) var bytesWritten = 0
  private(set) var syncs = 0
  var compactions = 0

  struct Segment {
    var file: SegmentFile
    var entries: [Entry]
    /// Where the last whole record ends.
    var end: Int
    /// Up to where it is known to survive a loss of power.
    var syncedEnd: Int
    /// Bytes that nothing refers to.
    var deadBytes: Int
    /// Where the file ended when its torn tail was reported.
    var reportedEnd = 0
    /// Whether a record, or a copy of the file's header, was found damaged: compacting leaves it behind.
    var isDamaged = false
    /// Whether a sync has failed: the system may have dropped pages, and says so only once.
    var isAbandoned = false
  }

  struct Entry {
    var offset: Int
    var byteCount: Int
    var sequence: UInt64
    var kind: RecordHeader.Kind
    /// Of a tombstone: what it covers.
    var scope: BlockScope?
    var identity: BlockIdentity
    var attributes: BlockAttributes
    var isDead = false
  }

  /// What reading the folder has found.
  struct Findings {
    /// Records, without those that are forgotten.
    var records: [(header: RecordHeader, metadata: [UInt8], place: RecordPlace)] = []
    /// Tombstones that were not known.
    var tombstones: [(scope: BlockScope, sequence: UInt64)] = []
    /// Segments that other processes have removed. They stay readable until ``drop(_:)``.
    var removed: [Int] = []
  }

  init(folder: String, disk: any Disk, segmentBytes: Int, table: SegmentTable) {
    self.folder = folder
    self.disk = disk
    self.segmentBytes = segmentBytes
    self.table = table
  }

  var fileBytes: Int { segments.values.reduce(0) { $0 + $1.end } }
  var deadBytes: Int { segments.values.reduce(0) { $0 + $1.deadBytes } }

  func path(_ number: Int) -> String { "\(folder)/\(Self.name(number))" }

  /// `0000001.seg`.
  static func name(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 7 - digits.count)) + digits + ".seg"
  }

  private static func number(_ name: String) -> Int? {
    guard name.hasSuffix(".seg") else { return nil }
    return Int(name.dropLast(4))
  }

  // MARK: - Opening

  /// Makes the folder if need be, and reads what is there.
  func open() throws(DiskError) -> Findings {
    try disk.makeFolder(folder)
    let presence = try disk.open("\(folder)/presence.lock", .openOrCreate)
    self.presence = presence
    let isAlone = try disk.lock(presence, .exclusive, waits: false)
    if !isAlone { _ = try disk.lock(presence, .shared, waits: true) }
    let findings = try refresh(isAlone: isAlone)
    if isAlone {
      for name in try disk.list(folder) where name.hasSuffix(".tmp") {
        try disk.remove("\(folder)/\(name)")
        reports.append(
          StoreReport(
            .strayFile, "\(folder)/\(name): a process that was killed has left it; it is removed."))
      }
      _ = try disk.lock(presence, .shared, waits: true)
    }
    return findings
  }

  /// Reads what others have appended, and notices what they have removed.
  func refresh(isAlone: Bool = false) throws(DiskError) -> Findings {
    let numbers = try disk.list(folder).compactMap(Self.number).sorted()
    if numbers.contains(where: { segments[$0] == nil }) { isFolderSynced = false }
    try syncFolder()
    for number in segments.keys where !numbers.contains(number) {
      findings.removed.append(number)
      segments[number] = nil
    }
    for number in numbers where number != active {
      try scan(number, isAlone: isAlone)
    }
    var findings = findings
    self.findings = Findings()
    for (scope, sequence) in findings.tombstones { tombstones.add(scope, sequence: sequence) }
    findings.records.removeAll { record in
      let isForgotten = tombstones.covers(
        record.header.identity, record.header.attributes, sequence: record.header.sequence)
      if isForgotten { markDead(record.place) }
      return isForgotten
    }
    return findings
  }

  /// Closes segments that were removed, once nothing refers to them.
  func drop(_ removed: [Int]) {
    for number in removed { table[number] = nil }
  }

  private func scan(_ number: Int, isAlone: Bool) throws(DiskError) {
    if segments[number] == nil {
      guard let (file, isWhole) = try openSegment(number) else { return }
      segments[number] = Segment(
        file: file, entries: [], end: SegmentFormat.fileHeaderBytes,
        syncedEnd: SegmentFormat.fileHeaderBytes, deadBytes: 0, isDamaged: !isWhole)
      table[number] = file
    }
    guard let segment = segments[number] else { return }
    let file = segment.file
    let fileEnd = try disk.size(file.file)
    guard fileEnd > segment.end, isAlone || fileEnd != segment.reportedEnd else { return }
    // A writer that lives holds its segment's lock.
    var isGrowing = false
    if !isAlone { isGrowing = try !disk.lock(file.file, .shared, waits: false) }
    if !isGrowing { _ = try disk.lock(file.file, .none, waits: true) }
    let scan = try SegmentScan(file, from: segment.end, fileEnd: fileEnd, isGrowing: isGrowing)
    // Whoever wrote them may not have synced them yet, or was killed before.
    if !scan.records.isEmpty { try disk.sync(file.file) }
    for record in scan.records { note(record, in: number) }
    for range in scan.damaged {
      segments[number]?.deadBytes += range.count
      segments[number]?.isDamaged = true
      reports.append(
        StoreReport(
          .damagedRecord,
          "\(file.path): \(range.count) bytes at \(range.lowerBound) fail their checksum; the blocks "
            + "there are computed again when they are wanted."))
    }
    segments[number]?.end = scan.end
    segments[number]?.syncedEnd = scan.end
    guard !isGrowing else { return }
    guard scan.end < fileEnd else { return }
    segments[number]?.reportedEnd = fileEnd
    reports.append(
      StoreReport(
        .tornTail,
        "\(file.path): the last \(fileEnd - scan.end) bytes were never finished, as after a crash; "
          + "they are \(isAlone ? "cut off" : "not used")."))
    if isAlone {
      let writable = try disk.open(file.path, .write)
      defer { disk.close(writable) }
      try disk.truncate(writable, to: scan.end)
    }
  }

  private func note(_ record: SegmentScan.Record, in number: Int) {
    let place = RecordPlace(
      segment: number, offset: record.offset, byteCount: record.header.byteCount)
    add(record.header, at: place)
    if let scope = record.header.tombstoneScope {
      findings.tombstones.append((scope, record.header.sequence))
    } else {
      findings.records.append((record.header, record.metadata, place))
    }
  }

  private func add(_ header: RecordHeader, at place: RecordPlace) {
    segments[place.segment]?.entries.append(
      Entry(
        offset: place.offset, byteCount: place.byteCount, sequence: header.sequence,
        kind: header.kind, scope: header.tombstoneScope, identity: header.identity,
        attributes: header.attributes))
  }

  /// Opens a segment for reading; nil, and reported, when it is none.
  private func openSegment(
    _ number: Int
  ) throws(DiskError) -> (file: SegmentFile, isWhole: Bool)? {
    let path = path(number)
    let file: FileDescriptor
    do throws(DiskError) {
      file = try disk.open(path, .read)
    } catch {
      // Removed by another process since it was listed.
      if error.kind == .missing { return nil }
      throw error
    }
    do throws(DiskError) {
      let bytes = try disk.readAll(file, 0..<SegmentFormat.fileHeaderBytes)
      let (header, isWhole) = try decodeHeader(bytes, of: number)
      if !isWhole {
        reports.append(
          StoreReport(
            .damagedRecord,
            "\(path): one copy of the file's header fails its checksum; the other is used."))
      }
      unreadable[number] = nil
      let opened = SegmentFile(
        number: number, path: path, header: header, file: file, disk: disk,
        mappedBytes: segmentBytes)
      return (opened, isWhole)
    } catch {
      disk.close(file)
      guard error.operation == "recognize" else { throw error }
      if !reports.contains(where: { $0.kind == .unreadableSegment && $0.message == error.reason }) {
        reports.append(StoreReport(.unreadableSegment, error.reason))
      }
      return nil
    }
  }

  private func decodeHeader(
    _ bytes: [UInt8], of number: Int
  ) throws(DiskError) -> (SegmentFileHeader, isWhole: Bool) {
    let path = path(number)
    let reason: String
    do throws(SegmentFileHeader.Failure) {
      return try SegmentFileHeader.decode(bytes.rawSpan)
    } catch {
      unreadable[number] = error
      switch error {
      case .notASegment: reason = "\(path): it is no segment of a store; it is left as it is."
      case .damaged:
        reason =
          "\(path): both copies of the file's header fail their checksums; it is left as it is."
      case .version(let version):
        reason =
          "\(path): it has version \(version), and this program reads version "
          + "\(SegmentFormat.version); it is kept for a program that reads it."
      }
    }
    throw DiskError(.failed, operation: "recognize", path: path, reason: reason)
  }

  // MARK: - Appending

  /// Appends a record. It counts only once ``sync()`` has returned.
  func append(_ record: inout BlockRecord, time: UInt64) throws(DiskError) -> RecordPlace {
    let number = try writableSegment(room: record.bytes.count, time: time)
    guard let segment = segments[number] else { preconditionFailure("a segment without entry") }
    record.seal(seed: SegmentFormat.seed(salt: segment.file.header.salt, offset: segment.end))
    do throws(DiskError) {
      try segment.file.write(record.bytes, at: segment.end)
    } catch {
      // Nobody reads beyond the end; what was written there is overwritten, or cut.
      try? disk.truncate(segment.file.file, to: segment.end)
      throw error
    }
    let place = RecordPlace(
      segment: number, offset: segment.end, byteCount: record.bytes.count)
    segments[number]?.end += record.bytes.count
    bytesWritten += record.bytes.count
    add(record.header, at: place)
    if let scope = record.header.tombstoneScope {
      tombstones.add(scope, sequence: record.header.sequence)
    }
    return place
  }

  /// Returns once everything appended would survive a loss of power. When that fails, what was
  /// appended since the last time is in doubt: it is dead, and the segment is not written to again.
  func sync() throws(DiskError) {
    guard let number = active, let segment = segments[number], segment.syncedEnd < segment.end
    else {
      return
    }
    do throws(DiskError) {
      try disk.sync(segment.file.file)
      syncs += 1
      segments[number]?.syncedEnd = segment.end
    } catch {
      for entry in segment.entries where entry.offset >= segment.syncedEnd {
        markDead(
          RecordPlace(segment: number, offset: entry.offset, byteCount: entry.byteCount))
      }
      segments[number]?.isAbandoned = true
      sealActive()
      throw error
    }
  }

  /// Whether a record that was appended would survive a loss of power.
  func isSynced(_ place: RecordPlace) -> Bool {
    guard let segment = segments[place.segment] else { return false }
    return place.offset + place.byteCount <= segment.syncedEnd
  }

  /// Ends writing to the active segment.
  func sealActive() {
    guard let number = active, let segment = segments[number] else { return }
    _ = try? disk.lock(segment.file.file, .none, waits: true)
    active = nil
  }

  /// Returns once the folder's names would survive a loss of power.
  func syncFolder() throws(DiskError) {
    guard !isFolderSynced else { return }
    try disk.syncFolder(folder)
    isFolderSynced = true
  }

  private func writableSegment(room: Int, time: UInt64) throws(DiskError) -> Int {
    try syncFolder()
    if let active, let segment = segments[active] {
      if segment.end + room <= segmentBytes || segment.entries.isEmpty { return active }
      try sync()
      sealActive()
    }
    if let number = try adoptSegment(room: room) { return number }
    return try makeSegment(time: time)
  }

  /// Goes on with a segment that an earlier process has left with room, so that short runs do not
  /// leave a file each.
  private func adoptSegment(room: Int) throws(DiskError) -> Int? {
    for number in segments.keys.sorted(by: >) {
      guard let segment = segments[number], segment.end + room <= segmentBytes,
        segment.deadBytes * 2 < segment.end, !segment.isAbandoned
      else { continue }
      let file: FileDescriptor
      do throws(DiskError) {
        file = try disk.open(segment.file.path, .write)
      } catch {
        continue
      }
      let writable = SegmentFile(
        number: number, path: segment.file.path, header: segment.file.header, file: file,
        disk: disk, mappedBytes: segmentBytes)
      // With a torn tail, or records of another process that were not read yet, it is left alone.
      guard try disk.lock(file, .exclusive, waits: false), try disk.size(file) == segment.end else {
        continue
      }
      segments[number]?.file = writable
      table[number] = writable
      active = number
      return number
    }
    return nil
  }

  /// Makes a new segment: written and synced under another name, so that what has the name is whole.
  private func makeSegment(time: UInt64) throws(DiskError) -> Int {
    let creation = try disk.open("\(folder)/creation.lock", .openOrCreate)
    defer { disk.close(creation) }
    _ = try disk.lock(creation, .exclusive, waits: true)
    let number = try nextNumber(creation)
    let path = path(number)
    let temporary = "\(folder)/\(number).tmp"
    // Left by a process that was killed here.
    try? disk.remove(temporary)
    let header = SegmentFileHeader(salt: .random(in: .min ... .max), created: time)
    let file = SegmentFile(
      number: number, path: path, header: header, file: try disk.open(temporary, .create),
      disk: disk, mappedBytes: segmentBytes)
    do throws(DiskError) {
      _ = try disk.lock(file.file, .exclusive, waits: true)
      try file.write(header.encoded(), at: 0)
      try disk.sync(file.file)
      try disk.rename(temporary, to: path)
    } catch {
      try? disk.remove(temporary)
      throw error
    }
    // The file has its name now, whatever follows; without its folder synced it is not used.
    isFolderSynced = false
    try syncFolder()
    bytesWritten += SegmentFormat.fileHeaderBytes
    segments[number] = Segment(
      file: file, entries: [], end: SegmentFormat.fileHeaderBytes,
      syncedEnd: SegmentFormat.fileHeaderBytes, deadBytes: 0)
    table[number] = file
    active = number
    return number
  }

  /// A number that no segment of the folder has had: what refers to a removed one, in this process or
  /// another, must not find a new one in its place. The last one is kept in the file that is locked.
  private func nextNumber(_ creation: FileDescriptor) throws(DiskError) -> Int {
    let known = try disk.list(folder).compactMap(Self.number).max() ?? 0
    let bytes = try disk.readAll(creation, 0..<8)
    // Damage may make numbers large, and no more.
    let last = bytes.count < 8 ? 0 : Int(bytes.rawSpan.number(UInt64.self, at: 0) & 0xFFFF_FFFF)
    let number = max(known, last) + 1
    var record: [UInt8] = []
    record.append(littleEndian: UInt64(number))
    try disk.writeAll(creation, record, at: 0, path: "\(folder)/creation.lock")
    return number
  }

  // MARK: - The dead

  /// Notes that nothing refers to a record any more.
  func markDead(_ place: RecordPlace) {
    guard let entries = segments[place.segment]?.entries else { return }
    // Entries are in the order of the file.
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].offset < place.offset { low = middle + 1 } else { high = middle }
    }
    guard low < entries.count, entries[low].offset == place.offset, !entries[low].isDead else {
      return
    }
    segments[place.segment]?.entries[low].isDead = true
    segments[place.segment]?.deadBytes += entries[low].byteCount
  }

  /// Whether a file holds a record, dead or not, that `matches`; true also where one that was removed
  /// may come back.
  func hasRecord(where matches: (BlockIdentity, BlockAttributes) -> Bool) -> Bool {
    !isFolderSynced
      || segments.values.contains { segment in
        segment.entries.contains { $0.kind == .block && matches($0.identity, $0.attributes) }
      }
  }

  /// The blocks of all records, dead or not, that `matches`.
  func blocks(where matches: (BlockIdentity, BlockAttributes) -> Bool) -> Set<BlockIdentity> {
    var found: Set<BlockIdentity> = []
    for segment in segments.values {
      for entry in segment.entries
      where entry.kind == .block && matches(entry.identity, entry.attributes) {
        found.insert(entry.identity)
      }
    }
    return found
  }

  /// Segments with dead records that `match`, or that were forgotten before.
  func segments(withDead matches: (BlockIdentity, BlockAttributes) -> Bool) -> [Int] {
    segments.filter { _, segment in
      segment.entries.contains {
        $0.isDead && $0.kind == .block
          && (matches($0.identity, $0.attributes)
            || tombstones.covers($0.identity, $0.attributes, sequence: $0.sequence))
      }
    }.keys.sorted()
  }

  /// Lets go of every lock and file.
  func close() {
    sealActive()
    if let presence { disk.close(presence) }
    presence = nil
    for number in segments.keys { table[number] = nil }
    segments = [:]
  }
}
