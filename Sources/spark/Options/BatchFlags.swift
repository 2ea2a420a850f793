public import ArgumentParser
public import Generation
import Hardware

/// How a batch goes on.
struct BatchFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Replies in progress at most. (default: the batch width that spark hardware recommends)",
      valueName: "n"))
  var parallel: Int?

  @Flag(help: "Write results in the order of the input, rather than as they come.")
  var inOrder = false

  @Flag(help: "Begin anew: what the output file holds is thrown away.")
  var restart = false

  @Flag(
    help:
      "Go on although the input or an option has changed: the results that are there stay as they are."
  )
  var force = false

  @Flag(help: "Answer those again that could not be answered in the runs before.")
  var retryFailed = false

  @Flag(help: "End at the first line that is no prompt, rather than to count it as failed.")
  var strict = false

  @Option(
    help: ArgumentHelp(
      "How often a prompt is tried again that failed for want of memory, room on the disk or a place.",
      valueName: "n"))
  var retries = 3

  @Option(help: "Which prompts go before others, where theirs does not say.")
  var priority = Priority.normal

  func validate() throws {
    try require((1...1024).contains(parallel ?? 1), "--parallel must be between 1 and 1024.")
    try require((0...100).contains(retries), "--retries must be between 0 and 100.")
    try require(!restart || !force, "--restart and --force are two different things; take one.")
    try require(
      !retryFailed || !inOrder,
      "--retry-failed puts what it answers behind the results that are there, which is not the order of the "
        + "input; leave --in-order out, and sort the results by their line afterwards.")
  }

  /// Replies in progress at most.
  var width: Int {
    parallel ?? Recommendation(for: MachineSnapshot(SystemFiles())).batchWidth
  }
}

extension Priority: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }

  public static var allValueStrings: [String] { allCases.map(\.name) }
  public var defaultValueDescription: String { name }
}

/// What a batch's lines are.
struct BatchPromptFlags: ParsableArguments {
  @Flag(help: "Each line is a prompt, also where the first one begins with a brace.")
  var plain = false

  @Flag(help: "Answer each prompt in one turn of a chat, rather than to continue it.")
  var chat = false

  @Option(help: ArgumentHelp("What the model is told to be; makes it a chat.", valueName: "text"))
  var system: String?

  @Option(
    help: ArgumentHelp(
      "The chat's format, where the model names none; makes it a chat.", valueName: "name"))
  var template: TemplateArgument?

  @Option(
    help: ArgumentHelp(
      "Text that stands before each prompt; the model reads it once.", valueName: "file"))
  var prefixFile: String?

  func validate() throws {
    try require(
      prefixFile != "-", "--prefix-file names a file; standard input is for the prompts.")
  }

  var isChat: Bool { chat || template != nil }

  /// As it is in the file, the end of its last line included.
  func prefix() throws -> String {
    guard let prefixFile else { return "" }
    var bytes: [UInt8] = []
    try InputFile.read(prefixFile) { bytes += $0 }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw InputError("\(prefixFile) is not UTF-8 text.")
    }
    return text
  }
}

/// Whose memory a batch draws on. It adds nothing to any.
struct BatchMemoryFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How far recall may reach: nowhere, within each text, or to all that was read in the namespace.",
      valueName: "scope"))
  var memory: MemoryScope = .session

  @Option(
    help: ArgumentHelp(
      "The memory's owner, where a prompt names none.", valueName: "name"))
  var namespace = MemoryOptions().namespace

  @Option(
    help: ArgumentHelp(
      "With --memory namespace: where it is kept. (default: \(StoreFolder.advice))",
      valueName: "folder"))
  var store: String?

  func validate() throws {
    try require(!namespace.isEmpty, "--namespace must not be empty.")
    try require(store != "", "--store must not be empty.")
  }

  var scope: MemoryScope { memory }
  var folder: String? { memory == .namespace ? store ?? StoreFolder.path() : nil }

  /// Prompts that recall what a namespace holds are read one by one: what was read for them is theirs.
  var sharesBeginnings: Bool { memory == .session }

  /// Replies leave nothing in memory, so that none depends on which others came before it.
  var options: MemoryOptions {
    MemoryOptions(scope: memory, namespace: namespace, session: MemoryOwner.nobody)
  }
}
