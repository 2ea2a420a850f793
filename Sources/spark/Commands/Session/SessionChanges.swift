import ArgumentParser
import Generation
import Glibc

/// `spark session rename`.
struct SessionRename: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename", abstract: "Give a session another name.")

  @OptionGroup var session: SessionArgument
  @Argument(help: ArgumentHelp("The name it gets.", valueName: "new-name")) var newName: String
  @OptionGroup var store: SessionStoreFlags

  func validate() throws { try require(!newName.isEmpty, "A session's name is not empty.") }

  func run() async throws {
    let sessions = try store.engine().sessions
    try await sessions.rename(session.name, to: newName, in: session.owner.namespace)
    try await tell(newName, of: session, sessions, json: store.json)
  }
}

/// `spark session pin`.
struct SessionPin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin",
    abstract: "Keep a session from being deleted, and its blocks from being let go of for room.")

  @OptionGroup var pinning: SessionPinning

  func run() async throws { try await pinning.set(true) }
}

/// `spark session unpin`.
struct SessionUnpin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpin", abstract: "Let a session be deleted again, and its blocks be let go of.")

  @OptionGroup var pinning: SessionPinning

  func run() async throws { try await pinning.set(false) }
}

/// What the two share.
struct SessionPinning: ParsableArguments {
  @OptionGroup var session: SessionArgument
  @OptionGroup var store: SessionStoreFlags

  func set(_ isPinned: Bool) async throws {
    let sessions = try store.engine().sessions
    try await sessions.pin(session.name, isPinned, in: session.owner.namespace)
    try await tell(session.name, of: session, sessions, json: store.json)
  }
}

/// `spark session fork`.
struct SessionFork: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fork", abstract: "Begin a session with what was said in another one so far.")

  @OptionGroup var session: SessionArgument
  @Argument(help: ArgumentHelp("The new session's name.", valueName: "new-name"))
  var newName: String
  @OptionGroup var store: SessionStoreFlags

  func validate() throws { try require(!newName.isEmpty, "A session's name is not empty.") }

  func run() async throws {
    let sessions = try store.engine().sessions
    try await sessions.fork(session.name, as: newName, in: session.owner.namespace)
    try await tell(newName, of: session, sessions, json: store.json)
  }
}

/// `spark session delete`.
struct SessionDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete a session and what memory has of it.",
    discussion: """
      What was said leaves the catalog and the store's files before the command ends. A text's beginning \
      that a fork shares is kept once: the fork reads it again.
      """)

  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false

  @OptionGroup var session: SessionArgument
  @OptionGroup var store: SessionStoreFlags

  func validate() throws {
    try require(
      yes || isatty(STDIN_FILENO) == 1,
      "Without a terminal nobody can be asked: add --yes to delete all the same.")
  }

  func run() async throws {
    let sessions = try store.engine().sessions
    let (name, namespace) = (session.name, session.owner.namespace)
    let turns = try await sessions.description(of: name, in: namespace).turns
    if !yes {
      Output.error.tell("spark: delete the session \(name), \(turns.inTurns)? [y/N] ")
      guard let answer = readLine()?.lowercased(), ["y", "yes"].contains(answer) else {
        Output.error.tell("spark: nothing was deleted.\n")
        throw ExitCode.failure
      }
    }
    let forgotten = try await sessions.delete(name, in: namespace)
    if store.json {
      try Output.standard.writeJSONLine(
        DeletedRecord(
          namespace: namespace, name: name, turns: turns, passages: forgotten.passages,
          filesLeft: forgotten.filesLeft))
    } else {
      try Output.standard.write(
        "deleted \(visible(Array(name.utf8))): \(turns.inTurns), \(forgotten.passages.inPassages)\n"
      )
    }
    if forgotten.filesLeft > 0 {
      Output.error.tell(
        "spark: another process is at work in the store: \(forgotten.filesLeft) of its files still have "
          + "bytes of it; the next spark memory forget, of anything, removes these once it has "
          + "ended.\n")
    }
  }
}

private struct DeletedRecord: Encodable {
  var namespace: String
  var name: String
  var turns: Int
  var passages: Int
  var filesLeft: Int
}

/// Writes how a session is now.
private func tell(
  _ name: String, of session: SessionArgument, _ sessions: EngineSessions, json: Bool
) async throws {
  let record = SessionRecord(
    try await sessions.description(of: name, in: session.owner.namespace))
  if json {
    try Output.standard.writeJSONLine(record)
  } else {
    try Output.standard.write(SessionRecord.table([record]))
  }
}
