import ArgumentParser
import FoundationEssentials
import Generation

/// Which store's memory, of which model.
struct MemoryStoreFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where memory is kept. (default: \(StoreFolder.advice))", valueName: "folder"))
  var store: String?

  @Option(
    help: ArgumentHelp(
      "The GGUF file of the model that read it. (default: the model that ships with Spark)",
      valueName: "file"))
  var model: String?

  @Option(help: "Tokens in a block, as they were when it was read.")
  var block = EngineOptions().blockLength

  @Option(help: "How keys and values were kept.")
  var kvType = EngineOptions().keyValueType

  @Flag(help: "Write JSON.")
  var json = false

  func validate() throws { try require(store != "", "--store must not be empty.") }

  var folder: String { store ?? StoreFolder.path() }

  /// An engine that opens the store and is asked for no text.
  ///
  /// - Throws: when nothing was ever kept there, so that a slip of the pen makes no folder.
  func engine() throws -> Engine {
    guard StoreFolder.holdsMemory(folder) else {
      throw InputError(
        "\(folder) holds no memory; name the folder of one with --store, or begin one with spark "
          + "remember.")
    }
    return try Engine(
      path: model ?? EmbeddedModel.path(),
      options: EngineOptions(
        threads: 1, contextLength: block, blockLength: block, store: folder, keyValueType: kvType,
        prefillChunk: 1, maxSequences: 1))
  }
}

/// Whose memory.
struct NamespaceFlag: ParsableArguments {
  @Option(help: ArgumentHelp("The memory's owner.", valueName: "name"))
  var namespace = MemoryOptions().namespace

  func validate() throws { try require(!namespace.isEmpty, "--namespace must not be empty.") }
}

/// Whose memory, where all of them will do.
struct NamespacesFlag: ParsableArguments {
  @Option(help: ArgumentHelp("Only this owner's. (default: all)", valueName: "name"))
  var namespace: String?

  func validate() throws { try require(namespace != "", "--namespace must not be empty.") }
}
