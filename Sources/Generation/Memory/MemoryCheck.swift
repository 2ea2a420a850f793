/// What reading all of memory back has found.
public struct MemoryCheck: Sendable, Equatable {
  /// A passage whose bytes are not those that were written.
  public struct Damage: Sendable, Equatable {
    public let id: String
    /// Nil when what the store knows of the passage cannot be read either.
    public let passage: StoredPassage?
    /// One sentence.
    public let reason: String
  }

  /// Passages that were read back, concepts included.
  public internal(set) var passages = 0
  /// How many of them are concepts.
  public internal(set) var concepts = 0
  public internal(set) var damaged: [Damage] = []
  /// Passages of which a part was let go for room; the model reads it again when it is wanted.
  public internal(set) var incomplete = 0
  /// What was wrong with the files themselves, one sentence each: damage that hides which passage it
  /// is in, ends that a crash has torn, disks that fail.
  public internal(set) var remarks: [String] = []
  /// Whether the check was cancelled before all was read.
  public internal(set) var isCancelled = false

  public var isClean: Bool { damaged.isEmpty && remarks.isEmpty }
}
