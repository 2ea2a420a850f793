/// What checking a store has found, and what was mended.
public struct StoreCheck: Sendable, Equatable {
  /// One thing that was found.
  public struct Finding: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
      /// A block's record that is not what was written.
      case record
      /// A segment file that cannot be read, or a part of one.
      case segment
      /// The end of a segment that was never finished.
      case tornTail = "torn-tail"
      /// A file that has no business there.
      case file
      case catalog
      /// A session goes on from blocks that are not there.
      case session
      /// A session that is in use, or the file of a lock without one.
      case lock
      /// Something could not be read or mended now.
      case failure
    }

    public let kind: Kind
    /// One sentence: what, where, what it means.
    public let message: String
    /// Whether bytes are not what they should be. Otherwise it is a notice.
    public let isDamage: Bool
    public internal(set) var isRepaired = false
  }

  public internal(set) var findings: [Finding] = []
  /// What was done, one sentence each.
  public internal(set) var repairs: [String] = []
  /// Records that were read back, of all models, and their bytes.
  public internal(set) var records = 0
  public internal(set) var recordBytes = 0
  public internal(set) var segments = 0
  public internal(set) var sessions = 0
  /// Tokens of conversations that are read again from their text when they go on.
  public internal(set) var tokensToRead = 0
  /// Whether the check was cancelled before all was read.
  public internal(set) var isCancelled = false

  public var damageLeft: Int { findings.count { $0.isDamage && !$0.isRepaired } }
  /// Whether no damage is left.
  public var isClean: Bool { damageLeft == 0 }
}

/// What compacting a store has come to.
public struct StoreCompaction: Sendable, Equatable {
  /// Bytes of the catalog, its log and the segments.
  public internal(set) var before = StoreStatus.Files()
  public internal(set) var after = StoreStatus.Files()
  /// Segments that were written anew.
  public internal(set) var compacted = 0
  /// What was left as it is, one sentence each: another process holds it.
  public internal(set) var held: [String] = []
  public internal(set) var isCancelled = false
}
