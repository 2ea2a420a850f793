import CoreMetrics

/// Passes a store's figures on to swift-metrics, as differences since the last time: counting in the hot
/// path would cost a call through a protocol for each frame.
final class StoreMetrics: Sendable {
  private let last = StoreLock(StoreStatistics())

  func publish(_ now: StoreStatistics) {
    let before = last.withLock { last in
      defer { last = now }
      return last
    }
    for tier in Tier.allCases {
      let dimension = ("tier", "\(tier)")
      for memory in MemoryKind.allCases {
        let dimensions = [dimension, ("memory", "\(memory)")]
        let (new, old) = (now.tiers[tier][memory], before.tiers[tier][memory])
        add("spark_store_hits", dimensions, new.hits - old.hits)
        add("spark_store_misses", dimensions, new.misses - old.misses)
      }
      let (new, old) = (now.tiers[tier], before.tiers[tier])
      add("spark_store_promotions", [dimension], new.promotions - old.promotions)
      add("spark_store_demotions", [dimension], new.demotions - old.demotions)
      for reason in EvictionReason.allCases {
        add(
          "spark_store_evictions", [dimension, ("reason", "\(reason)")],
          new[evicted: reason] - old[evicted: reason])
      }
      Gauge(label: "spark_store_bytes", dimensions: [dimension]).record(new.bytes)
    }
    let (new, old) = (now.prefetches, before.prefetches)
    add("spark_store_prefetches", [("result", "on-time")], new.onTime - old.onTime)
    add("spark_store_prefetches", [("result", "late")], new.late - old.late)
    add("spark_store_prefetches", [("result", "failed")], new.failed - old.failed)
    add("spark_store_written_bytes", [("data", "all")], now.bytesWritten - before.bytesWritten)
    add(
      "spark_store_written_bytes", [("data", "new")], now.newBytesWritten - before.newBytesWritten)
    add("spark_store_damaged_frames", [], now.damagedFrames - before.damagedFrames)
  }

  private func add(_ label: String, _ dimensions: [(String, String)], _ count: Int) {
    if count > 0 { Counter(label: label, dimensions: dimensions).increment(by: count) }
  }
}
