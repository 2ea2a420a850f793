import Cache
import CoreMetrics
import Foundation
import MetricsTestKit
import Testing

@Suite("Statistics of the store")
struct StoreStatisticsTests {
  private typealias World = StoreWorld

  @Test("Each memory's frames, bytes and lookups are counted in each tier")
  func memories() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      // A third of the blocks belongs to each memory; those of the semantic one are looked up twice.
      for number in 0..<30 {
        try store.put(number)
        store.settle()
      }
      try store.flush()
      for number in 0..<30 {
        for _ in 0..<(number % 3 == 2 ? 2 : 1) {
          let lent = try store.fetch(FrameKey(block: World.identity(number), frame: 1))
          store.giveBack(lent)
        }
      }
      #expect(store.lend(FrameKey(block: World.identity(99), frame: 0)) == nil)
      let statistics = store.statistics()
      let disk = statistics.tiers[.disk]
      for memory in MemoryKind.allCases {
        #expect(disk[memory].frames == 10 * World.framesPerBlock)
        #expect(disk[memory].bytes > 10 * World.blockBytes)
        let exact = statistics.tiers[.exact][memory]
        #expect(exact.bytes == exact.frames * World.shape.byteCount)
        let lookups = exact.lookups
        #expect(lookups.hits + lookups.misses == (memory == .semantic ? 20 : 10))
        #expect(lookups.misses > 0 && lookups.hits >= (memory == .semantic ? 10 : 0))
        let below = statistics.tiers[.packed][memory].promotions + disk[memory].promotions
        #expect(below == lookups.misses)
      }
      #expect(disk.bytes == MemoryKind.allCases.reduce(0) { $0 + disk[$1].bytes })
      #expect(statistics.unknownFrames == 1)
      let all = statistics.tiers[.exact].lookups
      #expect(all.hits + all.misses == 41)
      #expect(
        all.misses
          == 1
          + MemoryKind.allCases.reduce(0) {
            $0 + statistics.tiers[.exact][$1].lookups.misses
          })
      #expect(all.hitRate == Double(all.hits) / Double(all.hits + all.misses))
    }
  }

  @Test("The hit rate is that of late, not of all time")
  func window() throws {
    let store = try World.store(in: nil)
    try store.put(1)
    let (known, unknown) = (
      FrameKey(block: World.identity(1), frame: 0), FrameKey(block: World.identity(2), frame: 0)
    )
    #expect(store.statistics().tiers[.exact].lookups.hitRate == nil)
    for _ in 0..<10_000 { _ = store.lend(unknown) }
    #expect(store.statistics().tiers[.exact].lookups.hitRate == 0)
    for _ in 0..<2048 { store.giveBack(try #require(store.lend(known))) }
    let lookups = store.statistics().tiers[.exact].lookups
    #expect(lookups.hitRate == 1)
    #expect(lookups.hits == 2048)
    #expect(lookups.misses == 10_000)
  }

  @Test("A prefetch is late when the frame was wanted before it came")
  func lateness() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      for number in 0..<40 {
        try store.put(number)
        store.settle()
      }
      let keys = (0..<4).map { FrameKey(block: World.identity(0), frame: UInt16($0)) }
      store.prefetch(keys)
      #expect(store.lend(keys[1]) == nil)
      store.settle()
      let prefetches = store.statistics().prefetches
      #expect(prefetches.onTime == 3)
      #expect(prefetches.late == 1)
      #expect(prefetches.dropped == 0)
      // Waiting for a frame is no prefetch.
      store.giveBack(try store.fetch(FrameKey(block: World.identity(1), frame: 0)))
      #expect(store.statistics().prefetches == prefetches)
    }
  }

  @Test("A snapshot is read again as it was written")
  func coding() throws {
    try World.withFolder { folder in
      let store = try World.store(in: folder)
      for number in 0..<30 {
        try store.put(number)
        store.settle()
      }
      try store.forget(.session(1))
      store.giveBack(try store.fetch(FrameKey(block: World.identity(0), frame: 1)))
      let statistics = store.statistics()
      #expect(statistics.compressionRatio == 1)
      #expect(statistics.writeAmplification > 1)
      let data = try JSONEncoder().encode(statistics)
      #expect(try JSONDecoder().decode(StoreStatistics.self, from: data) == statistics)
    }
  }

  @Test("What is counted reaches swift-metrics, each once")
  func metrics() async throws {
    // The metrics system is the whole process's.
    await #expect(processExitsWith: .success) {
      let test = TestMetrics()
      MetricsSystem.bootstrap(test)
      let store = try World.store(in: nil)
      for number in 0..<30 {
        try store.put(number)
        store.settle()
        if number % 7 == 0 { _ = store.statistics() }
      }
      let key = FrameKey(block: World.identity(29), frame: 0)
      for _ in 0..<3 {
        store.giveBack(try #require(store.lend(key)))
        _ = store.statistics()
      }
      let statistics = store.statistics()
      let episodic = statistics.tiers[.exact][.semantic]
      let dimensions = [("tier", "exact"), ("memory", "semantic")]
      let hits = try test.expectCounter("spark_store_hits", dimensions)
      let demotions = try test.expectCounter("spark_store_demotions", dimensions)
      guard hits.totalValue == 3, episodic.lookups.hits == 3,
        demotions.totalValue == episodic.demotions
      else { exit(1) }
      let evicted = try test.expectCounter(
        "spark_store_evictions",
        [("tier", "packed"), ("memory", "working"), ("reason", "room")])
      let expected = statistics.tiers[.packed][.working][evicted: .room]
      guard expected > 0, evicted.totalValue == expected else { exit(1) }
    }
  }
}
