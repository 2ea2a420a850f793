import ArgumentParser
import Generation

/// Which store's sessions.
struct SessionStoreFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where sessions are kept. (default: \(StoreFolder.advice))", valueName: "folder"))
  var store: String?

  @Flag(help: "Write JSON.")
  var json = false

  @OptionGroup var model: ModelOptions

  func validate() throws { try require(store != "", "--store must not be empty.") }

  var folder: String { store ?? StoreFolder.path() }

  /// An engine that opens the store and is asked for no text. Whatever model it runs, it knows all
  /// sessions.
  ///
  /// - Parameters:
  ///   - blockLength, keyValueType, scorer: as for what is in the store; nil: as by default.
  ///   - begins: whether a store that is not there is made.
  /// - Throws: otherwise when nothing was ever kept there, so that a slip of the pen makes no folder.
  func engine(
    blockLength: Int? = nil, keyValueType: KeyValueType? = nil,
    scorer: RecallOptions.Scorer? = nil, begins: Bool = false
  ) throws -> Engine {
    guard begins || StoreFolder.holdsMemory(folder) else {
      throw InputError(
        "\(folder) holds no sessions; name the folder of one with --store, or begin one with spark "
          + "chat.")
    }
    var options = EngineOptions(
      threads: 1, contextLength: 64, store: folder, prefillChunk: 1, maxSequences: 1)
    if let blockLength { options.blockLength = blockLength }
    if let keyValueType { options.keyValueType = keyValueType }
    if let scorer { options.recall.scorer = scorer }
    return try Engine(path: try model.path(), options: options)
  }
}

/// One session, by its name.
struct SessionArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("The session.", valueName: "name"))
  var name: String

  @OptionGroup var owner: NamespaceFlag

  func validate() throws { try require(!name.isEmpty, "A session's name is not empty.") }
}
