/// Which passages of a namespace to forget.
public enum MemorySelection: Sendable, Equatable {
  /// One passage, by its id or the beginning of it.
  case passage(String)
  /// All that a session has read, with whatever model, and what was said in it.
  ///
  /// A text's beginning that several sessions have read alike is kept once, as the first one's: with it
  /// the others lose it too.
  case session(String)
  /// All passages of the namespace, of whatever model, and its conversations.
  case everything
  /// The model's passages that say this text, byte for byte, also those that share it between them;
  /// and the questions and replies of conversations in which either does.
  case containing(String)
}

/// What was forgotten.
public struct ForgottenPassages: Sendable, Equatable {
  public let passages: Int
  /// Concepts that were made from them, or linked to them. Where other passages say the same, the next
  /// consolidation makes them again.
  public let concepts: Int
  /// Turns of conversations that said it; see ``Conversation``. A question goes with its reply.
  public let turns: Int
  /// Files that still hold bytes of them, or of what was forgotten earlier, because another process is
  /// at work there. They go when it compacts the store, or when anything is forgotten once it has ended.
  public let filesLeft: Int
}
