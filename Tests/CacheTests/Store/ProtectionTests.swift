import Cache
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Blocks that a budget must not take")
struct ProtectionTests {
  private typealias World = StoreWorld

  /// Who is protected, as a store asks it.
  private final class Asked: Sendable {
    private let state = Mutex<(answer: BlockProtection?, times: Int)>((BlockProtection(), 0))

    /// Nil: it cannot be told.
    var answer: BlockProtection? {
      get { state.withLock { $0.answer } }
      set { state.withLock { $0.answer = newValue } }
    }
    var times: Int { state.withLock { $0.times } }

    func callAsFunction() throws(StoreError) -> BlockProtection {
      let answer = state.withLock { state in
        state.times += 1
        return state.answer
      }
      guard let answer else { throw StoreError(.disk, "the list is gone.") }
      return answer
    }
  }

  /// A store whose segments hold some thirty blocks, and eight of them at most a file.
  private static func options(_ asked: Asked) -> StoreOptions {
    var options = World.options(
      exactBlocks: 4, packedBlocks: 4, diskBytes: 40 * World.blockBytes)
    options.segmentBytes = 10 * World.blockBytes
    options.protection = { () throws(StoreError) in try asked() }
    return options
  }

  /// Sessions are numbers modulo five, see `StoreWorld.attributes`.
  private static func numbers(_ session: Int, below count: Int) -> [Int] {
    (0..<count).filter { $0 % 5 == session }
  }

  private static func isOnDisk(_ number: Int, _ store: TieredStore) -> Bool {
    store.records().contains { $0.identity == World.identity(number) }
  }

  @Test("At the budget free sessions' blocks go, and those of one that is free again go next")
  func order() throws {
    try World.withFolder { folder in
      let asked = Asked()
      // A session, and a single block of another one.
      asked.answer = BlockProtection(sessions: [2], blocks: [World.identity(3)])
      let store = try World.store(Self.options(asked), in: folder)
      for number in 0..<20 {
        try store.put(number)
        try store.flush()
      }
      #expect(asked.times == 0, "nobody was asked before room was wanted")
      for number in 20..<60 where number % 5 != 2 {
        try store.put(number)
        try store.flush()
      }
      #expect(asked.times > 0)
      let kept = Self.numbers(2, below: 20) + [3]
      for number in kept {
        #expect(Self.isOnDisk(number, store))
        #expect(try store.read(number) == World.bytes(number))
      }
      for number in [0, 1, 4, 5, 6] { #expect(!Self.isOnDisk(number, store)) }
      asked.answer = BlockProtection(blocks: [World.identity(3)])
      for number in 60..<90 {
        try store.put(number)
        try store.flush()
      }
      for number in Self.numbers(2, below: 20) { #expect(!Self.isOnDisk(number, store)) }
      #expect(try store.read(3) == World.bytes(3))
      #expect(store.violations() == [])
      // What the next process finds is what this one has.
      try store.close()
      let next = try World.store(World.options(), in: folder)
      #expect(next.has(3))
    }
  }

  @Test("Where everything is protected a flush says what to do, loses nothing, and goes on later")
  func full() throws {
    try World.withFolder { folder in
      let asked = Asked()
      asked.answer = BlockProtection(sessions: [0, 1, 2, 3, 4])
      var options = Self.options(asked)
      options.exactBytes = 60 * World.blockBytes
      let store = try World.store(options, in: folder)
      var refused: StoreError?
      var count = 0
      while refused == nil, count < 60 {
        try store.put(count)
        count += 1
        do throws(StoreError) { try store.flush() } catch { refused = error }
      }
      let error = try #require(refused)
      #expect(error.code == .full)
      for word in ["pinned or in use", "unpin or delete sessions", "raise the disk budget"] {
        #expect(error.message.contains(word), "\(error)")
      }
      for number in 0..<count { #expect(try store.read(number) == World.bytes(number)) }
      asked.answer = BlockProtection(sessions: [1, 2, 3, 4])
      try store.flush()
      #expect(try store.read(count - 1) == World.bytes(count - 1))
      #expect(store.statistics().dirtyBlocks == 0)
      #expect(store.violations() == [])
    }
  }

  @Test("While it cannot be told who is protected, nobody goes")
  func unknown() throws {
    try World.withFolder { folder in
      let asked = Asked()
      asked.answer = nil
      var options = Self.options(asked)
      options.exactBytes = 60 * World.blockBytes
      let store = try World.store(options, in: folder)
      var refused: StoreError?
      var count = 0
      while refused == nil, count < 60 {
        try store.put(count)
        count += 1
        do throws(StoreError) { try store.flush() } catch { refused = error }
      }
      #expect(try #require(refused).message.contains("the list is gone."))
      for number in 0..<count { #expect(store.has(number)) }
      asked.answer = BlockProtection()
      try store.flush()
      #expect(store.statistics().dirtyBlocks == 0)
    }
  }

  @Test(
    "After any sequence of puts, flushes and changes of mind no protected block that was safe is missing",
    arguments: 0..<12 as Range<UInt64>)
  func property(seed: UInt64) throws {
    try World.withFolder { folder in
      var random = SeededGenerator(seed: seed)
      let asked = Asked()
      var store = try World.store(Self.options(asked), in: folder)
      /// Put and flushed while protected ever since.
      var safe: Set<Int> = []
      var sessions: Set<Int> = []
      for step in 0..<160 {
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
          let session = Int.random(in: 0..<5, using: &random)
          if sessions.remove(session) == nil, sessions.count < 2 { sessions.insert(session) }
          asked.answer = BlockProtection(sessions: Set(sessions.map { UInt64($0) }))
          safe = safe.filter { sessions.contains($0 % 5) }
        case 1:
          try? store.close()
          store = try World.store(Self.options(asked), in: folder)
        case 2: try? store.idle(for: .seconds(1))
        default:
          let number = Int.random(in: 0..<100, using: &random)
          try store.put(number)
          do throws(StoreError) {
            try store.flush()
            if sessions.contains(number % 5) { safe.insert(number) }
          } catch {
            #expect(error.code == .full, "seed \(seed), step \(step): \(error)")
          }
        }
        for number in safe {
          guard Self.isOnDisk(number, store), try store.read(number) == World.bytes(number) else {
            Issue.record("seed \(seed), step \(step): block \(number) is missing")
            return
          }
        }
        #expect(store.violations() == [], "seed \(seed), step \(step)")
      }
    }
  }
}
