internal import Cascade
public import Model
internal import Synchronization

/// A session that was exported, opened to be imported: what it says of itself was read, the rest not yet.
///
///     let snapshot = try SessionSnapshot(path: "garden.spark")
///     try await engine.sessions.import(snapshot, as: "garden 2")
public final class SessionSnapshot: Sendable {
  public let form: SnapshotForm
  /// The session's, where it was exported.
  public let name: String
  public let namespace: String
  /// The model that it was held with, and the template that it is written in.
  public let modelName: String
  public let template: String
  /// Turns, what the model is told to be included.
  public let turns: Int
  /// How its blocks lie; nil where it has no keys and values.
  public let blocks: Blocks?

  /// What an engine that goes on from a snapshot's blocks must have been given.
  public struct Blocks: Sendable, Equatable {
    public let blockLength: Int
    public let keyValueType: KeyValueType
    public let scorer: RecallOptions.Scorer
    /// Tokens of the whole session.
    public let tokens: Int
  }

  /// Nil once it was imported.
  private let opened: Mutex<OpenedSnapshot?>

  /// Opens a file.
  ///
  /// - Throws: ``EngineError/Code/snapshot`` when it cannot be read, is no snapshot, or is one of a later
  ///   version.
  public convenience init(path: String) throws(EngineError) {
    try self.init { () throws(SnapshotError) in try SnapshotSource(path: path) }
  }

  /// Begins to read from an open file, a pipe or a socket, which the caller keeps open until it is imported.
  ///
  /// - Parameter name: what messages call it.
  public convenience init(descriptor: Int32, name: String) throws(EngineError) {
    try self.init { () throws(SnapshotError) in SnapshotSource(descriptor, name: name) }
  }

  private init(_ source: () throws(SnapshotError) -> SnapshotSource) throws(EngineError) {
    let snapshot: OpenedSnapshot
    do throws(SnapshotError) {
      snapshot = try OpenedSnapshot(source())
    } catch {
      throw EngineError(error)
    }
    let header = snapshot.header
    form = header.form
    name = header.name
    namespace = header.namespace
    modelName = header.modelName
    template = header.template
    turns = header.turns
    blocks = header.sequence.map {
      Blocks(
        blockLength: $0.layout.blockLength, keyValueType: $0.layout.type, scorer: $0.scorer,
        tokens: $0.tokens)
    }
    opened = Mutex(snapshot)
  }

  /// Runs `body` with the snapshot, the first time that it is called; nil afterwards.
  func use<R: Sendable>(
    _ body: (OpenedSnapshot) throws(SnapshotError) -> R
  ) throws(SnapshotError) -> R? {
    try opened.withLock { opened throws(SnapshotError) in
      guard let snapshot = opened.take() else { return nil }
      return try body(snapshot)
    }
  }
}
