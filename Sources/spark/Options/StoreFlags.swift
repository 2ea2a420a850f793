import ArgumentParser
import Generation

/// Which store's files.
struct StoreFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The store's folder. (default: \(StoreFolder.advice))", valueName: "folder"))
  var store: String?

  @OptionGroup var budget: StoreBudgetFlag

  @Flag(help: "Write JSON.")
  var json = false

  @OptionGroup var model: ModelOptions

  func validate() throws { try require(store != "", "--store must not be empty.") }

  var folder: String { store ?? StoreFolder.path() }

  /// An engine that opens the store and is asked for no text.
  ///
  /// - Throws: when nothing was ever kept there, so that a slip of the pen makes no folder.
  func engine() throws -> Engine {
    guard StoreFolder.holdsMemory(folder) else {
      throw InputError(
        "\(folder) is no store; name the folder of one with --store, or begin one with spark chat.")
    }
    return try Engine(
      path: try model.path(),
      options: EngineOptions(
        threads: 1, contextLength: 64, store: folder, storeBytes: budget.storeBudget?.bytes,
        prefillChunk: 1, maxSequences: 1))
  }
}
