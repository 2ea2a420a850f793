public import ArgumentParser
public import Generation

/// Whose memory a run draws on, and where it is kept.
struct MemoryFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How far recall may reach: nowhere, within this text, or to all that was read in the namespace.",
      valueName: "scope"))
  var memory = MemoryOptions().scope

  @Option(
    help: ArgumentHelp(
      "The memory's owner: nothing is ever recalled from another one.", valueName: "name"))
  var namespace = MemoryOptions().namespace

  @Option(
    help: ArgumentHelp(
      "Where memory is kept beyond this run. (default with --memory namespace: \(StoreFolder.advice); "
        + "otherwise nowhere)",
      valueName: "folder"))
  var store: String?

  @Option(
    help: ArgumentHelp(
      "Write each request for a block to a file, which spark cache simulate --trace replays.",
      valueName: "file"))
  var recordTrace: String?

  @Flag(help: "Tell what was recalled.")
  var explain = false

  func validate() throws {
    try require(!namespace.isEmpty, "--namespace must not be empty.")
    try require(store != "", "--store must not be empty.")
    try require(
      memory != .none || store == nil,
      "--store keeps nothing with --memory none; leave one of them out.")
  }

  var options: MemoryOptions {
    MemoryOptions(scope: memory, namespace: namespace, explains: explain)
  }

  /// The same for a single run of `engine`: what can neither be recalled in it nor outlive it is not kept.
  func options(for engine: EngineOptions) -> MemoryOptions {
    var options = options
    if engine.window == .full, engine.store == nil { options.scope = .none }
    return options
  }

  func apply(to options: inout EngineOptions) {
    options.recordTrace = recordTrace
    options.store = store ?? (memory == .namespace ? StoreFolder.path() : nil)
  }
}

extension MemoryScope: ExpressibleByArgument {}
