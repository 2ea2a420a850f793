import ArgumentParser
import Generation

/// Whose memory a conversation draws on.
struct ChatMemoryFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The owner of the conversation and its memory: nothing is ever recalled from another one.",
      valueName: "name"))
  var namespace = MemoryOptions().namespace

  @Option(
    help: ArgumentHelp(
      "How far recall may reach: nowhere, within this conversation, or to all that was read in the "
        + "namespace.", valueName: "scope"))
  var memory = MemoryScope.namespace

  @Option(
    help: ArgumentHelp(
      "Where conversations and memory are kept. (default: \(StoreFolder.advice))",
      valueName: "folder"))
  var store: String?

  @OptionGroup var budget: StoreBudgetFlag

  @Flag(help: "Tell after each reply what was recalled.")
  var explain = false

  @OptionGroup var rereading: RereadFlag

  func validate() throws {
    try require(!namespace.isEmpty, "--namespace must not be empty.")
    try require(store != "", "--store must not be empty.")
  }
}
