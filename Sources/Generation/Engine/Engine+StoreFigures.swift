internal import Cache
internal import Hardware

/// What a store has written since its engine was made, and what it holds now; in bytes.
package struct StoreFigures: Sendable, Equatable {
  /// Given to segment files: blocks, tombstones, and what compaction copies.
  package var segmentsWritten: Int
  /// Given to write calls by the whole process; nil where the system does not say.
  package var processWritten: Int?
  /// What full blocks take on disk, headers and index included, for each byte of them as attention reads
  /// them; nil before there are any.
  package var diskRatio: Double?
  /// Of all segment files.
  package var segments: Int
  /// What the tiers in memory may take.
  package var memoryBudget: Int
  /// Of a token's keys and values as attention reads them.
  package var perToken: Int
}

extension Engine {
  package var storeFigures: StoreFigures {
    get async {
      await core.withMemory { memory in
        let statistics = memory.store.tiers.statistics()
        let layout = memory.store.layout
        let full = memory.store.tiers.footprints().filter {
          // A block costs as much as it has tokens.
          $0.diskBytes > 0 && $0.attributes.cost == Double(layout.blockLength)
        }
        return StoreFigures(
          segmentsWritten: statistics.bytesWritten, processWritten: ProcessWrites().bytes,
          diskRatio: full.isEmpty
            ? nil
            : Double(full.reduce(0) { $0 + $1.diskBytes })
              / Double(full.count * layout.blockByteCount),
          segments: statistics.segmentBytes,
          memoryBudget: statistics.tiers[.exact].budget + statistics.tiers[.packed].budget,
          perToken: layout.blockByteCount / layout.blockLength)
      }
    }
  }
}
