import ArgumentParser
import Generation
import Glibc

/// `spark memory forget`: takes passages out of the store for good.
struct MemoryForget: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Forget passages for good.",
    discussion: """
      Their text, keys and values leave the store's files before the command ends; what a drive \
      keeps of removed files is the drive's. A session and a namespace go whatever model read them, \
      other passages only where this model did. The concepts that were made of them go as well, and \
      what was said in chats: with --matching, each question with its reply where either says the text. \
      Nothing is forgotten of a session that another process is running, nor of a pinned one unless \
      --include-pinned is given.
      """)

  @Option(help: ArgumentHelp("All that this session read.", valueName: "name"))
  var session: String?

  @Option(help: ArgumentHelp("This passage: six digits of its id, or more.", valueName: "id"))
  var passage: String?

  @Flag(help: "Everything in the namespace.")
  var allInNamespace = false

  @Option(
    help: ArgumentHelp(
      "The passages that contain this text; upper and lower case differ.", valueName: "text"))
  var matching: String?

  @Flag(help: "Also what pinned sessions would lose.")
  var includePinned = false

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  @OptionGroup var owner: NamespaceFlag
  @OptionGroup var store: MemoryStoreFlags

  func validate() throws {
    let given = [session != nil, passage != nil, allInNamespace, matching != nil]
    try require(
      given.count { $0 } == 1,
      "Give one of --session, --passage, --all-in-namespace and --matching.")
    try require(matching != "", "--matching must not be empty.")
    try require(
      yes || isatty(STDIN_FILENO) == 1,
      "Without a terminal nobody can be asked: add --yes to forget all the same.")
  }

  func run() async throws {
    let memory = try store.engine().memory
    let namespace = owner.namespace
    let count = try await memory.count(selection, in: namespace, evenPinned: includePinned)
    guard count > 0 else {
      // What an earlier call could not take from the files may go now.
      _ = try await memory.forget(selection, in: namespace, evenPinned: includePinned)
      throw InputError(nothing)
    }
    if !yes {
      Output.error.tell(
        "spark: forget \(count.inPassages) of the namespace \(namespace), concepts and turns of chats "
          + "counted? [y/N] ")
      guard let answer = readLine()?.lowercased(), ["y", "yes"].contains(answer) else {
        Output.error.tell("spark: nothing was forgotten.\n")
        throw ExitCode.failure
      }
    }
    let forgotten = try await memory.forget(
      selection, in: namespace, evenPinned: includePinned)
    if store.json {
      try Output.standard.writeJSONLine(
        ForgottenRecord(
          namespace: namespace, passages: forgotten.passages, concepts: forgotten.concepts,
          turns: forgotten.turns, filesLeft: forgotten.filesLeft))
    } else {
      try Output.standard.write(
        "forgot \(forgotten.passages.inPassages)"
          + (forgotten.concepts > 0 ? " and \(forgotten.concepts.inConcepts)" : "")
          + (forgotten.turns > 0 ? " and \(forgotten.turns.inTurns)" : "")
          + " of the namespace \(namespace)\n")
    }
    if forgotten.filesLeft > 0 {
      Output.error.tell(
        "spark: another process is at work in the store: \(forgotten.filesLeft) of its files still have "
          + "bytes of them; the next spark memory forget, of anything, removes these once it has "
          + "ended.\n")
    }
  }

  private var selection: MemorySelection {
    if let session { return .session(session) }
    if let passage { return .passage(passage) }
    if let matching { return .containing(matching) }
    return .everything
  }

  private var nothing: String {
    let place = "the namespace \(owner.namespace) of \(store.folder)"
    if let session { return "no session in \(place) is called \(session)." }
    if matching != nil { return "no passage in \(place) contains this text." }
    return "\(place) remembers nothing."
  }
}

private struct ForgottenRecord: Encodable {
  var namespace: String
  var passages: Int
  var concepts: Int
  var turns: Int
  var filesLeft: Int
}

extension Int {
  /// A number of passages, as `1 passage`.
  var inPassages: String { self == 1 ? "1 passage" : "\(self) passages" }

  /// A number of turns of conversations, as `1 turn`.
  var inTurns: String { self == 1 ? "1 turn" : "\(self) turns" }
}
