import Cache
import Cascade
import Foundation
import Glibc
import Model
import Synchronization
import TestSupport
import Testing

@Suite("Sessions that a store's budget spares")
struct SessionProtectionTests {
  static let model = BlockIdentity(high: 3, low: 4)
  static let shape = FrameShape(
    heads: 1, dimension: 8, tokens: 8, valueStride: 8, elementBytes: 2)
  static let blockBytes = 4 * shape.byteCount

  private static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "spark-protection-\(UInt64.random(in: .min ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private static func begin(_ name: String, _ catalog: Catalog) throws -> KeptSession {
    try #require(
      try catalog.begin(
        NewSession(
          namespace: "mine", name: name, model: model, modelName: "a model", template: "chatml",
          created: 10)))
  }

  /// Room for some thirty blocks.
  private static func store(_ folder: String) throws -> TieredStore {
    var options = StoreOptions()
    options.exactBytes = 4 * blockBytes
    options.packedBytes = 4 * blockBytes
    options.diskBytes = 40 * blockBytes
    options.segmentBytes = 10 * blockBytes
    options.codec = .raw
    options.diskPolicy = .lru
    options.hasThreads = false
    options.protection = { () throws(StoreError) in
      try SessionProtection.current(in: folder)
    }
    return try TieredStore(
      options: options, shape: shape, framesPerBlock: 4, directory: folder)
  }

  private static func identity(_ number: Int, of session: KeptSession) -> BlockIdentity {
    BlockIdentity(high: UInt64(session.id), low: UInt64(number))
  }

  private static func put(_ number: Int, of session: KeptSession, in store: TieredStore) throws {
    let bytes = (0..<blockBytes).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }
    try store.put(
      identity(number, of: session),
      attributes: BlockAttributes(
        model: 1, namespace: UInt64(naming: "mine"), session: session.memoryKey, cost: 10),
      metadata: [], frames: bytes.span.bytes)
    try store.flush()
  }

  private static func count(_ session: KeptSession, in store: TieredStore) -> Int {
    store.records().count { $0.identity.high == UInt64(session.id) }
  }

  @Test(
    "Of pinned, running and free sessions only the free one's blocks go; unpinned, a session goes next"
  )
  func sparing() throws {
    try Self.withFolder { folder in
      let catalog = try Catalog(directory: folder)
      let store = try Self.store(folder)
      let sessions = try ["pinned", "running", "free", "new"].map {
        try Self.begin($0, catalog)
      }
      let (pinned, running, free, new) = (sessions[0], sessions[1], sessions[2], sessions[3])
      for number in 0..<6 {
        for session in [pinned, running, free] { try Self.put(number, of: session, in: store) }
      }
      try catalog.pin(pinned.id, true)
      var lock: SessionLock? = try SessionLock(directory: folder, session: running.id)
      for number in 0..<40 { try Self.put(number, of: new, in: store) }
      #expect(Self.count(pinned, in: store) == 6)
      #expect(Self.count(running, in: store) == 6)
      #expect(Self.count(free, in: store) == 0)
      #expect(lock != nil)
      // Blocks that a running session has just put are its own as well.
      for number in 6..<9 { try Self.put(number, of: running, in: store) }
      for number in 40..<80 { try Self.put(number, of: new, in: store) }
      #expect(Self.count(running, in: store) == 9)
      lock = nil
      for number in 80..<120 { try Self.put(number, of: new, in: store) }
      #expect(Self.count(pinned, in: store) == 6)
      #expect(Self.count(running, in: store) == 0)
      try catalog.pin(pinned.id, false)
      for number in 120..<160 { try Self.put(number, of: new, in: store) }
      #expect(Self.count(pinned, in: store) == 0)
      #expect(store.violations() == [])
    }
  }

  @Test("What a pinned fork goes on from is spared, though it is another session's")
  func forks() throws {
    try Self.withFolder { folder in
      let catalog = try Catalog(directory: folder)
      let store = try Self.store(folder)
      let origin = try Self.begin("origin", catalog)
      let new = try Self.begin("new", catalog)
      for number in 0..<6 { try Self.put(number, of: origin, in: store) }
      let chain = (0..<3).map { Self.identity($0, of: origin) }
      let sequence = KeptSequence(
        root: BlockIdentity(high: 9, low: 9), tokens: Array(0..<28), blocks: chain,
        tail: Self.identity(3, of: origin))
      #expect(
        try catalog.append(
          question: "q", reply: "r", sequence: sequence, to: origin.id, at: 11))
      let fork = try #require(try catalog.fork(origin.id, as: "fork", at: 12))
      try catalog.pin(fork.id, true)
      let protection = try SessionProtection.current(in: folder)
      #expect(protection.sessions == [fork.memoryKey])
      #expect(protection.blocks == Set(chain + [Self.identity(3, of: origin)]))
      for number in 0..<60 { try Self.put(number, of: new, in: store) }
      #expect(Self.count(origin, in: store) == 4)
    }
  }

  @Test("Where the catalog cannot be read, nothing is said to be free")
  func damagedCatalog() throws {
    try Self.withFolder { folder in
      #expect(try SessionProtection.current(in: folder) == BlockProtection())
      try Data("this is no database, whatever it is called".utf8)
        .write(to: URL(filePath: folder + "/catalog.sqlite"))
      #expect(throws: StoreError.self) { try SessionProtection.current(in: folder) }
    }
  }

  @Test("Asking who holds a session tells it, and never keeps anyone from taking it")
  func asking() throws {
    try Self.withFolder { folder in
      #expect(SessionLock.held(in: folder).isEmpty && SessionLock.files(in: folder).isEmpty)
      let isDone = Atomic(false)
      let askers = (0..<2).map { _ in
        let thread = Thread {
          while !isDone.load(ordering: .relaxed) {
            _ = SessionLock.held(in: folder)
          }
        }
        thread.start()
        return thread
      }
      defer { isDone.store(true, ordering: .relaxed) }
      for _ in 0..<500 {
        let lock = try SessionLock(directory: folder, session: 7)
        #expect(SessionLock.holder(of: 7, in: folder)?.isSelf == true)
        #expect(throws: SessionLock.Failure.held(by: getpid())) {
          try SessionLock(directory: folder, session: 7)
        }
        withExtendedLifetime(lock) {}
      }
      #expect(askers.count == 2)
      #expect(SessionLock.holder(of: 7, in: folder) == nil)
      #expect(SessionLock.files(in: folder) == [7])
    }
  }
}
