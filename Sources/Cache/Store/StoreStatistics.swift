/// What a store has done since it was opened, and what it holds now.
package struct StoreStatistics: Codable, Sendable, Equatable {
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

  package struct Prefetches: Codable, Sendable, Equatable {
    package internal(set) var requested = 0
    /// Requests for frames that were in L1 or on their way already.
    package internal(set) var joined = 0
    /// In L1 by the deadline, before anybody asked for them.
    package internal(set) var onTime = 0
    package internal(set) var late = 0
    /// Of those on time, the ones that others pushed out before anybody asked for them.
    package internal(set) var unused = 0
    /// Of the late ones, those given up before they were begun.
    package internal(set) var dropped = 0
    /// No tier had it, or it could not be read.
    package internal(set) var failed = 0
    /// Every slot was in use.
    package internal(set) var withoutRoom = 0
  }

  package struct PerTier: Codable, Sendable, Equatable {
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
