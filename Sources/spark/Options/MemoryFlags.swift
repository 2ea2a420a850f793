public import ArgumentParser
public import Generation

/// Whose memory a run draws on, and where it is kept.
struct MemoryFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Make the prompt the next turn of a conversation that is kept; spark chat goes on with it.",
      valueName: "name"))
  var session: String?

  @OptionGroup var rereading: RereadFlag

  @Option(
    help: ArgumentHelp(
      "How far recall may reach: nowhere, within this text, or to all that was read in the namespace. "
        + "(default: \(MemoryOptions().scope.rawValue); with --session namespace)",
      valueName: "scope"))
  var memory: MemoryScope?

  @Option(
    help: ArgumentHelp(
      "The memory's owner: nothing is ever recalled from another one.", valueName: "name"))
  var namespace = MemoryOptions().namespace

  @Option(
    help: ArgumentHelp(
      "Where memory is kept beyond this run. (default with --session or --memory namespace: "
        + "\(StoreFolder.advice); otherwise nowhere)",
      valueName: "folder"))
  var store: String?

  @OptionGroup var budget: StoreBudgetFlag

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
    try require(session != "", "--session must not be empty.")
    try require(
      memory != MemoryScope.none || store == nil || session != nil,
      "--store keeps nothing with --memory none; leave one of them out.")
    try require(
      session != nil || !rereading.reread, "--reread needs --session, which it reads again.")
  }

  var scope: MemoryScope {
    memory ?? (session == nil ? MemoryOptions().scope : .namespace)
  }

  /// Whether there is something that comes back from earlier runs.
  var isLasting: Bool { session != nil || scope == .namespace }

  var options: MemoryOptions {
    MemoryOptions(scope: scope, namespace: namespace, explains: explain)
  }

  /// The same for a single run of `engine`: what can neither be recalled in it nor outlive it is not kept.
  func options(for engine: EngineOptions) -> MemoryOptions {
    var options = options
    if engine.window == .full, engine.store == nil { options.scope = .none }
    return options
  }

  func apply(to options: inout EngineOptions) {
    options.recordTrace = recordTrace
    options.store = store ?? (isLasting ? StoreFolder.path() : nil)
    options.storeBytes = budget.storeBudget?.bytes
  }
}

extension MemoryScope: ExpressibleByArgument {}
