internal import Cascade

/// Sessions as files.
extension EngineSessions {
  /// Writes a session to a file or a pipe: what was committed last, also while another process goes on with
  /// it. The engine's replies go on meanwhile.
  ///
  /// - Parameters:
  ///   - form: whether keys and values go along, and how. Of a session without any, or of those that are
  ///     gone, what was said is there to be read again.
  ///   - onProgress: called from a thread of its own with blocks done, of how many.
  /// - Throws: ``EngineError``: `session` when there is none, `snapshot` when it cannot be written or is held
  ///   with another model; `CancellationError` when the task is cancelled.
  public func export(
    _ name: String, in namespace: String, as form: SnapshotForm = .exact,
    to destination: SnapshotDestination,
    onProgress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws -> SnapshotFigures {
    let place = try await place
    let session = try await desk.session(name, in: namespace)
    return try await SnapshotWorker().run {
      let begun = ContinuousClock.now
      let export = try SnapshotExport(session.id, as: form, from: place)
      func write(to sink: any SnapshotSink) throws(SnapshotError) -> SnapshotTally {
        try export.write(to: sink, onProgress: onProgress, isCancelled: { Task.isCancelled })
      }
      let tally: SnapshotTally
      switch destination {
      case .file(let path, let replaces):
        let sink = try FileSink(path, replaces: replaces)
        tally = try write(to: sink)
        try sink.finish()
      case .descriptor(let descriptor, let name):
        tally = try write(to: DescriptorSink(descriptor, name: name))
      }
      return SnapshotFigures(tally, in: ContinuousClock.now - begun)
    }
  }

  /// Brings a session that was exported into the store. It is checked as a whole before anything is
  /// written, and is there as a whole or not at all.
  ///
  /// Keys and values are used by the model that computed them; with another one `isTextOnly` keeps what was
  /// said, and the next reply reads it. They come along into another namespace only where no other session's
  /// took part in them.
  ///
  /// - Parameters:
  ///   - name: nil: as it was called.
  ///   - namespace: nil: the one that it was in.
  ///   - onProgress: called from a thread of its own with steps done, of how many.
  /// - Throws: ``EngineError``: `snapshot` when it is damaged, cut off, or of another model, `session` when the
  ///   name is taken, `memory` when the store cannot be written; `CancellationError` when the task is
  ///   cancelled.
  public func `import`(
    _ snapshot: SessionSnapshot, as name: String? = nil, in namespace: String? = nil,
    isTextOnly: Bool = false,
    onProgress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws -> ImportedSession {
    let (name, namespace) = (name ?? snapshot.name, namespace ?? snapshot.namespace)
    try SessionNames.check(name, namespace: namespace)
    let place = try await place
    let imported = try await SnapshotWorker().run {
      let begun = ContinuousClock.now
      let result = try snapshot.use { (opened) throws(SnapshotError) in
        try SnapshotImport(into: place, as: name, namespace: namespace, isTextOnly: isTextOnly)
          .run(opened, onProgress: onProgress, isCancelled: { Task.isCancelled })
      }
      guard let result else {
        throw EngineError(
          .snapshot, "the snapshot of \(snapshot.name) was used already; open it again.")
      }
      return ImportedSession(
        session: SessionDescription(result.session),
        figures: SnapshotFigures(result.tally, in: ContinuousClock.now - begun),
        reasonForReading: result.reasonForReading)
    }
    // Replies that begin from here on recall it.
    await engine.core.withMemory { $0.store.forgetPasts() }
    return imported
  }

  private var place: SnapshotPlace {
    get async throws(EngineError) {
      try await engine.core.snapshotPlace(
        modelName: engine.model.name, template: engine.chatTemplate?.name)
    }
  }
}

extension EngineCore {
  fileprivate func snapshotPlace(
    modelName: String, template: String?
  ) throws(EngineError) -> SnapshotPlace {
    let store = memory.store
    let catalog = try sessionDesk().catalog
    return SnapshotPlace(
      tiers: store.tiers, catalog: catalog, layout: store.layout, model: store.model,
      modelName: modelName, vocabulary: memory.tokenizer.vocabularySize, template: template,
      directory: store.directory)
  }

  /// Writes down what the blocks of a namespace's sessions depend on.
  func notePlan(of namespace: String) throws(EngineError) {
    let store = memory.store
    try EngineError.aboutCatalog { () throws(CatalogError) in
      try store.catalog().note(store.plan.signature, of: store.root(namespace: namespace))
    }
  }
}

/// A thread for one export or import, which waits for files and pipes: the shared pool's are not to wait,
/// and the compute thread has replies to make.
private actor SnapshotWorker {
  private let thread = ComputeThread(name: "spark-snapshot")

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe thread.asUnownedSerialExecutor()
  }

  func run<R: Sendable>(_ body: @Sendable () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as SnapshotError {
      throw error.code == .cancelled ? CancellationError() : EngineError(error)
    }
  }
}
