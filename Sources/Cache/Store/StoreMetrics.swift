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
      for memory in MemoryKind.allCases {
        publish(
          now.tiers[tier][memory], before.tiers[tier][memory],
          [("tier", "\(tier)"), ("memory", "\(memory)")])
      }
    }
    add("spark_store_unknown_frames", [], now.unknownFrames - before.unknownFrames)
    let (new, old) = (now.prefetches, before.prefetches)
    add("spark_store_prefetches", [("result", "on-time")], new.onTime - old.onTime)
    add("spark_store_prefetches", [("result", "late")], new.late - old.late)
    add("spark_store_prefetches", [("result", "unused")], new.unused - old.unused)
    add("spark_store_prefetches", [("result", "failed")], new.failed - old.failed)
    add(
      "spark_store_prefetches", [("result", "without-room")], new.withoutRoom - old.withoutRoom)
    add(
      "spark_store_encoded_bytes", [("form", "raw")], now.encodedRawBytes - before.encodedRawBytes)
    add("spark_store_encoded_bytes", [("form", "encoded")], now.encodedBytes - before.encodedBytes)
    let (newData, all) = (now.newBytesWritten, now.bytesWritten)
    add("spark_store_written_bytes", [("data", "new")], newData - before.newBytesWritten)
    add("spark_store_written_bytes", [("data", "all")], all - before.bytesWritten)
    add("spark_store_syncs", [], now.syncs - before.syncs)
    add("spark_store_compactions", [], now.compactions - before.compactions)
    add("spark_store_damaged_frames", [], now.damagedFrames - before.damagedFrames)
    add("spark_store_disk_errors", [], now.diskErrors - before.diskErrors)
  }

  private func publish(
    _ now: MemoryStatistics, _ before: MemoryStatistics, _ dimensions: [(String, String)]
  ) {
    add("spark_store_hits", dimensions, now.lookups.hits - before.lookups.hits)
    add("spark_store_misses", dimensions, now.lookups.misses - before.lookups.misses)
    add("spark_store_promotions", dimensions, now.promotions - before.promotions)
    add("spark_store_demotions", dimensions, now.demotions - before.demotions)
    for reason in EvictionReason.allCases {
      add(
        "spark_store_evictions", dimensions + [("reason", reason.rawValue)],
        now[evicted: reason] - before[evicted: reason])
    }
    if now.bytes != before.bytes {
      Gauge(label: "spark_store_bytes", dimensions: dimensions).record(now.bytes)
    }
  }

  private func add(_ label: String, _ dimensions: [(String, String)], _ count: Int) {
    if count > 0 { Counter(label: label, dimensions: dimensions).increment(by: count) }
  }
}
