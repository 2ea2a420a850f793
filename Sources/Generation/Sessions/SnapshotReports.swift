internal import Cascade

/// How much of a session has left the store or come into it.
public struct SnapshotFigures: Sendable, Equatable {
  /// Turns, what the model is told to be included.
  public let turns: Int
  /// Tokens of the session; 0 where it went as text.
  public let tokens: Int
  /// Blocks with keys and values, and the tokens in them.
  public let blocks: Int
  public let blockTokens: Int
  /// Blocks that are missing, so that their tokens are read again.
  public let blocksLeftOut: Int
  /// Bytes of keys and values as attention reads them.
  public let keyValueBytes: Int
  /// Bytes of the snapshot.
  public let bytes: Int
  public let duration: Duration

  init(_ tally: SnapshotTally, in duration: Duration) {
    turns = tally.turns
    tokens = tally.tokens
    blocks = tally.blocks
    blockTokens = tally.blockTokens
    blocksLeftOut = tally.blocksLeftOut
    keyValueBytes = tally.keyValueBytes
    bytes = tally.bytes
    self.duration = duration
  }
}

/// A session that was imported.
public struct ImportedSession: Sendable, Equatable {
  public let session: SessionDescription
  public let figures: SnapshotFigures
  /// Why its text is read again although the snapshot has keys and values; nil where it is not.
  public let reasonForReading: String?
}

/// Where a snapshot is written.
public enum SnapshotDestination: Sendable {
  /// A file, which is there once it is whole and would survive a loss of power.
  case file(String, replacing: Bool)
  /// An open file, a pipe or a socket, and what messages call it. After an error it holds a part of a
  /// snapshot, which is refused when it is imported.
  case descriptor(Int32, name: String)
}

extension EngineError {
  init(_ error: SnapshotError) {
    let code: Code =
      switch error.code {
      case .missing, .taken: .session
      case .store: .memory
      default: .snapshot
      }
    self.init(code, error.message)
  }
}
