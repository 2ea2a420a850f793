import Cache
import TestSupport
import Testing

/// Fails the first operation of a store's life, then the second, and so on until a life passes without a
/// failure, and looks each time what is left (the method of SQLite's tests).
@Suite("Store on a failing disk")
struct FaultTests {
  private typealias World = StoreWorld

  @Test(
    "Whatever operation fails, nothing acknowledged is lost, and one clear error says so",
    arguments: SimulatedDisk.Fault.allCases, [false, true])
  func everyOperation(fault: SimulatedDisk.Fault, isLasting: Bool) throws {
    // Each kind of fault sees mapped and unmapped reading, if not in every combination.
    for mapsSegments in LongTests.areOn ? [true, false] : [(fault == .failed) != isLasting] {
      var number = 0
      while true {
        number += 1
        let disk = SimulatedDisk()
        disk.fail(number, fault, isLasting: isLasting)
        let life = Life(disk, mapsSegments: mapsSegments)
        let faults = disk.faultsGiven
        disk.heal()
        let scene: Comment =
          "\(fault) \(isLasting ? "from" : "at") operation \(number), \(faults.prefix(3)), in \(life.trail.last ?? "")"
        // One failure is told once, or was made good; a lasting one may be told by each who asks.
        if !isLasting {
          #expect(life.errors.count <= 1, "\(life.errors), \(scene)")
          let isHarmless =
            fault == .short && ["read", "write"].contains(faults.first)
            || ["map", "truncate", "remove"].contains(faults.first) || life.wasMadeGood
          if !faults.isEmpty, !isHarmless { #expect(life.errors.count == 1, scene) }
        }
        for error in life.errors {
          #expect(error.hasSuffix("."), "\(error), \(scene)")
          #expect(!error.contains("\n"), "\(error), \(scene)")
        }
        try life.check(disk.afterProcessEnd(), scene)
        var random = SeededGenerator(seed: UInt64(number))
        try life.check(
          disk.afterPowerLoss { $0 == 0 ? 0 : Int.random(in: 0...$0, using: &random) }, scene)
        if faults.isEmpty { break }
      }
      #expect(number > 60, "the loop did not reach much")
    }
  }

  @Test("Losing power at any operation loses nothing acknowledged")
  func powerLoss() throws {
    let whole = SimulatedDisk()
    _ = Life(whole, mapsSegments: true)
    for number in 1...whole.operations {
      let disk = SimulatedDisk()
      // From here on nothing reaches the disk.
      disk.fail(number, .failed, isLasting: true)
      let life = Life(disk, mapsSegments: false)
      var random = SeededGenerator(seed: UInt64(number))
      try life.check(
        disk.afterPowerLoss { $0 == 0 ? 0 : Int.random(in: 0...$0, using: &random) },
        "operation \(number), in \(life.trail.last ?? "")")
    }
  }

  @Test(
    "Whatever operation fails where the disk budget is tight, what counts as durable is there",
    arguments: SimulatedDisk.Fault.allCases)
  func tightBudget(fault: SimulatedDisk.Fault) throws {
    var number = 0
    while true {
      number += 1
      let disk = SimulatedDisk()
      disk.fail(number, fault)
      let life = Life(disk, mapsSegments: number % 2 == 0, diskBytes: 14 * World.blockBytes)
      let hasFailed = !disk.faultsGiven.isEmpty
      let scene: Comment = "\(fault) at operation \(number), \(disk.faultsGiven)"
      #expect(life.errors.count <= 1, "\(life.errors), \(scene)")
      disk.heal()
      try life.check(disk.afterProcessEnd(), scene)
      try life.check(disk.afterPowerLoss { _ in 0 }, scene)
      if !hasFailed {
        #expect(life.durable.count > 5)
        break
      }
    }
    #expect(number > 100, "the loop did not reach much")
  }

  /// One life of a store: put, flush, forget, read, compact, close, and again.
  final class Life {
    /// Blocks that a flush has acknowledged; where the disk's budget is tight, those that the store says
    /// are durable in the end.
    var durable: Set<Int> = []
    /// Blocks whose forgetting was acknowledged.
    var forgotten: Set<Int> = []
    var errors: [String] = []
    var trail: [String] = []
    /// Whether a failure in the background was repaired before anybody asked.
    var wasMadeGood = false
    private let disk: SimulatedDisk
    private let isTight: Bool
    private var options = StoreWorld.options(exactBlocks: 6, packedBlocks: 6)

    init(_ disk: SimulatedDisk, mapsSegments: Bool, diskBytes: Int? = nil) {
      self.disk = disk
      isTight = diskBytes != nil
      if let diskBytes { options.diskBytes = diskBytes }
      options.mapsSegments = mapsSegments
      options.segmentBytes = 8 * StoreWorld.blockBytes
      for start in [0, 100] {
        guard
          let store = attempt("open", { try StoreWorld.store(options, in: "/store", disk: disk) })
        else { continue }
        live(store, from: start)
        for report in store.takeReports() where report.kind != .tornTail {
          errors.append(report.message)
        }
      }
    }

    private func live(_ store: TieredStore, from start: Int) {
      for number in start..<start + 8 { put(number, store) }
      flush(store)
      forget("invalidate", (0..<start + 8).filter { $0 % 5 == 2 }) {
        try store.invalidate(.session(2))
      }
      for number in start + 8..<start + 24 { put(number, store) }
      flush(store)
      for number in start..<start + 4 where store.has(number) {
        if let bytes = attempt("read \(number)", { try store.read(number) }) {
          #expect(bytes == StoreWorld.bytes(number))
        }
        if let lent = attempt(
          "fetch \(number)",
          { try store.fetch(FrameKey(block: StoreWorld.identity(number), frame: 1)) })
        {
          #expect(Array(lent.bytes) == Array(StoreWorld.bytes(number)[256..<512]))
          store.giveBack(lent)
        }
      }
      forget("forget", (0..<start + 24).filter { $0 % 5 == 3 }) {
        try store.forget(.session(3))
      }
      put(start + 30, store)
      attempt("idle") { try store.idle(for: .seconds(10)) }
      let present = (start..<start + 31).filter(store.has)
      if isTight {
        attempt("flush") { try store.flush() }
        durable = Set(
          (0..<200).filter { store.block(StoreWorld.identity($0))?.isDurable == true })
        attempt("close") { try store.close() }
      } else if attempt("close", { try store.close() }) != nil {
        durable.formUnion(present)
      }
    }

    private func put(_ number: Int, _ store: TieredStore) {
      attempt("put") { try store.put(number) }
      store.settle()
      #expect(store.violations() == [])
    }

    private func flush(_ store: TieredStore) {
      let present = (0..<200).filter(store.has)
      if attempt("flush", { try store.flush() }) != nil, !isTight { durable.formUnion(present) }
    }

    private func forget(_ name: String, _ numbers: [Int], _ body: () throws -> some Any) {
      durable.subtract(numbers)
      if attempt(name, body) != nil { forgotten.formUnion(numbers) }
    }

    @discardableResult
    private func attempt<R>(_ name: String, _ body: () throws -> R) -> R? {
      trail.append(name)
      do {
        return try body()
      } catch {
        errors.append("\(error)")
        return nil
      }
    }

    /// Opens what is left and reads it.
    func check(_ disk: SimulatedDisk, _ scene: Comment) throws {
      let store = try StoreWorld.store(options, in: "/store", disk: disk)
      for report in store.takeReports() {
        #expect(
          [.tornTail, .damagedRecord, .strayFile].contains(report.kind), "\(report), \(scene)")
      }
      for number in durable.sorted() {
        #expect(store.has(number), "block \(number) is lost, \(scene)")
        if store.has(number) {
          #expect(try store.read(number) == StoreWorld.bytes(number), "block \(number), \(scene)")
        }
      }
      for number in forgotten { #expect(!store.has(number), "block \(number) is back, \(scene)") }
      #expect(store.violations() == [], scene)
    }
  }
}
