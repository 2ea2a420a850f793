/// One tier's figures.
package struct TierStatistics: Codable, Sendable, Equatable {
  /// What counts against the budget: slots in L1, encoded frames in L2, records in L3.
  package internal(set) var bytes = 0
  package internal(set) var budget = 0
  /// All lookups; those of frames that no tier has belong to no memory.
  package internal(set) var lookups = Lookups()
  private var working = MemoryStatistics()
  private var episodic = MemoryStatistics()
  private var semantic = MemoryStatistics()

  /// One memory's part.
  package internal(set) subscript(memory: MemoryKind) -> MemoryStatistics {
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

  /// Frames; in L3, of the blocks that this store can read.
  package var frames: Int { sum(\.frames) }
  /// Frames that left this tier for no other.
  package subscript(evicted reason: EvictionReason) -> Int { sum(\.[evicted: reason]) }

  private func sum(_ figure: (MemoryStatistics) -> Int) -> Int {
    figure(working) + figure(episodic) + figure(semantic)
  }

  mutating func count(_ memory: MemoryKind?, isHit: Bool) {
    lookups.count(isHit: isHit)
    if let memory { self[memory].lookups.count(isHit: isHit) }
  }
}

/// What one tier does for one memory.
package struct MemoryStatistics: Codable, Sendable, Equatable {
  package internal(set) var frames = 0
  /// Of the frames in L1 and L2, of the records in L3.
  package internal(set) var bytes = 0
  package internal(set) var lookups = Lookups()
  /// Frames that went up from here.
  package internal(set) var promotions = 0
  /// Frames that left for a tier below, or had a copy there.
  package internal(set) var demotions = 0
  private var evictions = Evictions()

  private struct Evictions: Codable, Equatable {
    var room = 0
    var unwritten = 0
    var invalidated = 0
    var damaged = 0
  }

  package internal(set) subscript(evicted reason: EvictionReason) -> Int {
    get {
      switch reason {
      case .room: evictions.room
      case .unwritten: evictions.unwritten
      case .invalidated: evictions.invalidated
      case .damaged: evictions.damaged
      }
    }
    _modify {
      switch reason {
      case .room: yield &evictions.room
      case .unwritten: yield &evictions.unwritten
      case .invalidated: yield &evictions.invalidated
      case .damaged: yield &evictions.damaged
      }
    }
  }
}

/// Why a frame left a tier without going to the next.
package enum EvictionReason: String, Codable, Sendable, Hashable, CaseIterable {
  /// The budget, by the tier's policy.
  case room
  /// The budget, before the disk had taken it: a write limit, or a disk that is slower than the work.
  case unwritten
  case invalidated
  /// Its bytes on disk are not what was written.
  case damaged
}

/// Hits and misses, and the hit rate of late.
package struct Lookups: Codable, Sendable, Equatable {
  package private(set) var hits = 0
  package private(set) var misses = 0
  private var recent = Window()
  private var earlier = Window()

  private struct Window: Codable, Equatable {
    var hits = 0
    var count = 0
  }

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
      recent = Window()
    }
  }
}
