package import Hardware

/// Budgets and manners of a tiered store.
package struct StoreOptions: Sendable {
  /// Bytes of frames in memory as attention reads them.
  package var exactBytes = 512 << 20
  /// Bytes of encoded frames in memory.
  package var packedBytes = 2 << 30
  /// Bytes of segment files, and never more than half of what is free when the store is opened. While a
  /// segment is compacted there may be one more.
  package var diskBytes = 8 << 30
  /// Asked which blocks must not be let go for room on disk, once in each write that needs any, by whoever
  /// writes. When it throws, nothing is let go, and what does not fit is not written. nil: none.
  package var protection: (@Sendable () throws(StoreError) -> BlockProtection)?

  /// Slots kept free by demoting in the background, so that putting and promoting find room at once;
  /// nil: room for two blocks, at most an eighth of the slots.
  package var reserve: Int?

  /// How frames are written below L1. With a lossy one a frame that has left L1 comes back as what
  /// the codec kept of it.
  package var codec = FrameCodec.exact

  // Why these: docs/caching.md.

  /// Who leaves L1. Recall asks for its choice step by step, layer by layer: a loop that defeats LRU.
  package var exactPolicy = PolicyKind.wTinyLFU
  /// Who leaves L2, where sessions under way are.
  package var packedPolicy = PolicyKind.lru
  /// Who leaves the disk, where blocks differ in size and in what they cost to compute.
  package var diskPolicy = PolicyKind.gdsf

  package var writePolicy = WritePolicy.writeBack
  /// Bytes written in a second by the background, flushes and idle time excepted; nil: as many as the disk takes.
  package var writeBytesPerSecond: Int? = 128 << 20
  /// Bytes written in a day by the background, flushes and idle time excepted; nil: any number. What is pushed out of
  /// L2 after them is gone. Drives wear out: common ones are sold for a few hundred gigabytes a day.
  package var writeBytesPerDay: Int? = 64 << 30

  /// The most metadata that a block may have.
  package var metadataBytes = 64 << 10
  /// Bytes at which a segment is full; nil: a sixteenth of the disk budget, 64 MiB at most.
  package var segmentBytes: Int?
  /// Whether segments are mapped for reading. Without, they are read by system calls, and a device
  /// that fails is an error instead of the end of the process (SIGBUS).
  package var mapsSegments = true
  /// Whether the store works by itself, on two threads of its own. Without, work is done by whoever
  /// calls `settle()`.
  package var hasThreads = true

  /// A file, begun anew, to which every request for a frame is written, for
  /// `spark cache simulate --trace`; nil: none. It slows the store down.
  package var recordTrace: String?

  package init() {}

  /// The budgets that suit a machine.
  package init(_ recommendation: Recommendation) {
    exactBytes = recommendation.caches.exact
    packedBytes = recommendation.caches.packed
    diskBytes = recommendation.caches.disk
  }
}

/// When blocks are written to disk, apart from flushes and idle time.
package enum WritePolicy: Sendable, Hashable {
  /// When memory is wanted: the fewest writes.
  case writeBack
  /// Also once a block has been used so often: what is used again is soon safe.
  case writeThroughSelective(afterHits: Int)
}

extension StoreOptions {
  /// The size at which segments are full.
  var segmentSize: Int { segmentBytes ?? max(1 << 20, min(64 << 20, diskBytes / 16)) }

  func validate(blockBytes: Int) throws(StoreError) {
    guard exactBytes >= 0, packedBytes >= 0, diskBytes >= 0, (reserve ?? 0) >= 0,
      (0...SegmentFormat.maximumMetadataBytes).contains(metadataBytes), (segmentBytes ?? 1) > 0
    else {
      throw StoreError(.options, "a store's budgets cannot be negative.")
    }
    guard exactBytes >= blockBytes else {
      throw StoreError(
        .options,
        "the exact tier's budget of \(exactBytes) bytes holds no block of this model; it needs at "
          + "least \(blockBytes).")
    }
  }
}
