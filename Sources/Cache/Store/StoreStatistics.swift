/// What a store has done since it was opened, and what it holds now.
package struct StoreStatistics: Sendable, Equatable {
  /// Per tier.
  package internal(set) var tiers = PerTier()
  /// Blocks with at least one frame.
  package internal(set) var blocks = 0
  /// Blocks with a frame that would be lost with the process.
  package internal(set) var dirtyBlocks = 0
  package internal(set) var pinnedBlocks = 0
  /// Lent frames.
  package internal(set) var lentFrames = 0
  package internal(set) var metadataBytes = 0

  package internal(set) var puts = 0
  /// Puts of blocks that were there already.
  package internal(set) var repeatedPuts = 0
  /// Frames that a put found no room for.
  package internal(set) var declinedFrames = 0
  /// Lookups of frames that no tier has.
  package internal(set) var unknownFrames = 0

  package internal(set) var prefetches = Prefetches()

  /// Bytes of the frames that were encoded, before and after.
  package internal(set) var encodedRawBytes = 0
  package internal(set) var encodedBytes = 0
  /// How much smaller encoding makes frames; 1 before any was encoded.
  package var compressionRatio: Double {
    encodedBytes == 0 ? 1 : Double(encodedRawBytes) / Double(encodedBytes)
  }

  /// Everything written to segments: new blocks, tombstones, and what compaction copies.
  package internal(set) var bytesWritten = 0
  /// Of it, the first record of each block.
  package internal(set) var newBytesWritten = 0
  /// Bytes written for each byte of new data; 1 before anything was written.
  package var writeAmplification: Double {
    newBytesWritten == 0 ? 1 : Double(bytesWritten) / Double(newBytesWritten)
  }
  package internal(set) var syncs = 0
  package internal(set) var compactions = 0
  /// Bytes of all segment files.
  package internal(set) var segmentBytes = 0
  package internal(set) var segments = 0
  /// Bytes of segments that nothing refers to any more.
  package internal(set) var deadBytes = 0
  /// Frames whose bytes on disk failed their checksum.
  package internal(set) var damagedFrames = 0
  package internal(set) var diskErrors = 0

  package struct Prefetches: Sendable, Equatable {
    package internal(set) var requested = 0
    /// Requests for frames that were in L1 or on their way already.
    package internal(set) var joined = 0
    package internal(set) var onTime = 0
    package internal(set) var late = 0
    /// Of the late ones, those given up before they were begun.
    package internal(set) var dropped = 0
    /// No tier had it, or it could not be read.
    package internal(set) var failed = 0
    /// Every slot was in use.
    package internal(set) var withoutRoom = 0
  }

  package struct PerTier: Sendable, Equatable {
    var exact = TierStatistics()
    var packed = TierStatistics()
    var disk = TierStatistics()

    package internal(set) subscript(tier: Tier) -> TierStatistics {
      get {
        switch tier {
        case .exact: exact
        case .packed: packed
        case .disk: disk
        }
      }
      _modify {
        switch tier {
        case .exact: yield &exact
        case .packed: yield &packed
        case .disk: yield &disk
        }
      }
    }
  }
}

/// One tier's figures.
package struct TierStatistics: Sendable, Equatable {
  /// Bytes that frames take: slots in L1, encoded frames in L2, records in L3.
  package internal(set) var bytes = 0
  package internal(set) var budget = 0
  /// Frames; in L3, of the blocks that this store can read.
  package internal(set) var frames = 0

  package internal(set) var total = Lookups()
  private var working = Lookups()
  private var episodic = Lookups()
  private var semantic = Lookups()

  /// Frames that came up from below, and went down.
  package internal(set) var promotions = 0
  package internal(set) var demotions = 0
  private var leftForRoom = 0
  private var leftUnwritten = 0
  private var leftInvalidated = 0
  private var leftDamaged = 0

  /// Lookups of one memory's frames.
  package internal(set) subscript(memory: MemoryKind) -> Lookups {
    get {
      switch memory {
      case .working: working
      case .episodic: episodic
      case .semantic: semantic
      }
    }
    _modify {
      switch memory {
      case .working: yield &working
      case .episodic: yield &episodic
      case .semantic: yield &semantic
      }
    }
  }

  /// Frames that left this tier for no other.
  package internal(set) subscript(evicted reason: EvictionReason) -> Int {
    get {
      switch reason {
      case .room: leftForRoom
      case .unwritten: leftUnwritten
      case .invalidated: leftInvalidated
      case .damaged: leftDamaged
      }
    }
    _modify {
      switch reason {
      case .room: yield &leftForRoom
      case .unwritten: yield &leftUnwritten
      case .invalidated: yield &leftInvalidated
      case .damaged: yield &leftDamaged
      }
    }
  }

  mutating func count(_ memory: MemoryKind?, isHit: Bool) {
    total.count(isHit: isHit)
    if let memory { self[memory].count(isHit: isHit) }
  }
}

/// Why a frame left a tier without going to the next.
package enum EvictionReason: Sendable, Hashable, CaseIterable {
  /// The budget, by the tier's policy.
  case room
  /// The budget, before the disk had taken it: a write limit, or a disk that is slower than the work.
  case unwritten
  case invalidated
  /// Its bytes on disk are not what was written.
  case damaged
}

/// Hits and misses, and the hit rate of late.
package struct Lookups: Sendable, Equatable {
  package private(set) var hits = 0
  package private(set) var misses = 0
  private var recent: (hits: Int, count: Int) = (0, 0)
  private var earlier: (hits: Int, count: Int) = (0, 0)

  /// Lookups in half a window.
  private static var halfWindow: Int { 1024 }

  /// The share of hits in the last one to two thousand lookups; nil before the first.
  package var hitRate: Double? {
    let count = recent.count + earlier.count
    return count == 0 ? nil : Double(recent.hits + earlier.hits) / Double(count)
  }

  mutating func count(isHit: Bool) {
    if isHit { hits += 1 } else { misses += 1 }
    recent.count += 1
    if isHit { recent.hits += 1 }
    if recent.count == Self.halfWindow {
      earlier = recent
      recent = (0, 0)
    }
  }

  package static func == (left: Lookups, right: Lookups) -> Bool {
    left.hits == right.hits && left.misses == right.misses && left.recent == right.recent
      && left.earlier == right.earlier
  }
}
