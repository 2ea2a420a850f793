/// What a store holds, what it takes, and what the process has done with it.
public struct StoreStatus: Sendable, Equatable {
  /// Its folder; nil when it ends with the engine.
  public internal(set) var folder: String?
  public internal(set) var files = Files()
  /// The most bytes that segments may take; 0 without a folder.
  public internal(set) var budget = 0
  /// By kind of memory, those of the engine's model.
  public internal(set) var working = Part()
  public internal(set) var episodic = Part()
  public internal(set) var semantic = Part()
  /// Of other models, of other block lengths or number formats: kept, and not seen.
  public internal(set) var unseen = Part()
  public internal(set) var sessions = Sessions()
  public internal(set) var compression = Compression()
  public internal(set) var activity = Activity()

  /// Bytes on disk.
  public struct Files: Sendable, Equatable {
    public internal(set) var catalog = 0
    /// The catalog's write-ahead log.
    public internal(set) var catalogLog = 0
    public internal(set) var segments = 0
    /// Bytes of segments that blocks take.
    public internal(set) var live = 0
    /// Bytes of segments that nothing refers to, until they are compacted.
    public internal(set) var dead = 0

    public var total: Int { catalog + catalogLog + live + dead }
  }

  /// Blocks, and what each tier spends on them; copies in several tiers count in each.
  public struct Part: Sendable, Equatable {
    public internal(set) var blocks = 0
    public internal(set) var tokens = 0
    public internal(set) var memoryBytes = 0
    public internal(set) var compressedBytes = 0
    public internal(set) var diskBytes = 0
  }

  /// Conversations.
  public struct Sessions: Sendable, Equatable {
    public internal(set) var count = 0
    /// What was said in them is never let go of for room: turns, and their bytes in the catalog.
    public internal(set) var turns = 0
    public internal(set) var turnBytes = 0
    public internal(set) var pinned: [Name] = []
    /// Those that some process is running.
    public internal(set) var running: [Running] = []

    public struct Name: Sendable, Equatable {
      public let namespace: String
      public let name: String
    }

    public struct Running: Sendable, Equatable {
      public let session: Name
      /// The process; nil when it has not said which it is.
      public let process: Int32?
    }
  }

  /// What a token of the engine's model takes, over all blocks on disk.
  public struct Compression: Sendable, Equatable {
    public internal(set) var tokens = 0
    public internal(set) var diskBytesPerToken = 0.0
    /// In half precision, as attention reads them.
    public internal(set) var exactBytesPerToken = 0.0

    /// How much smaller they are on disk; nil while nothing is there.
    public var ratio: Double? {
      diskBytesPerToken > 0 ? exactBytesPerToken / diskBytesPerToken : nil
    }
  }

  /// What this process has done with the store since it opened it.
  public struct Activity: Sendable, Equatable {
    public internal(set) var memory = Tier()
    public internal(set) var compressed = Tier()
    public internal(set) var disk = Tier()
    public internal(set) var bytesWritten = 0
    /// Bytes written for each byte that was new; nil while none was.
    public internal(set) var writeAmplification: Double?

    public struct Tier: Sendable, Equatable {
      public internal(set) var bytes = 0
      public internal(set) var budget = 0
      public internal(set) var all = Requests()
      /// By kind of memory; a request for what no tier has belongs to none.
      public internal(set) var working = Requests()
      public internal(set) var episodic = Requests()
      public internal(set) var semantic = Requests()
      /// Frames, a layer's part of a block each, that were let go for room.
      public internal(set) var evictedFrames = 0
    }

    /// Requests for frames.
    public struct Requests: Sendable, Equatable {
      public internal(set) var hits = 0
      public internal(set) var misses = 0
      /// The share of hits in the last one to two thousand; nil before the first.
      public internal(set) var hitRate: Double?
    }
  }
}
