import ArgumentParser
import Generation
import Glibc

/// `spark session export`: a session as a file.
struct SessionExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a session to a file that another store can import.",
    discussion: """
      exact keeps every bit of the keys and values, packed keeps them as 8-bit integers in about half the \
      room, text only what was said, for any model. A session that is in use is exported as it was after \
      its last reply. The file says all that was said: give it to nobody who may not read that.
      """)

  @Option(
    help: ArgumentHelp(
      "The file; - is standard output, which must not be a terminal.", valueName: "file"))
  var to = "-"

  @Option(help: "What goes along with what was said.")
  var form = SnapshotForm.exact

  @Flag(help: "Replace a file that is there.")
  var force = false

  @Option(help: "Tokens in a block, as they were when the session was held.")
  var block = EngineOptions().blockLength

  @Option(help: "How keys and values were kept.")
  var kvType = EngineOptions().keyValueType

  @OptionGroup var session: SessionArgument
  @OptionGroup var store: SessionStoreFlags

  func validate() throws {
    try require(!to.isEmpty, "--to must not be empty.")
    try require(to != "-" || !force, "--force replaces a file; name one with --to.")
    try require(
      to != "-" || isatty(STDOUT_FILENO) == 0,
      "A snapshot is no text for a terminal: name a file with --to, or lead it into a pipe.")
  }

  func run() async throws {
    let engine = try store.engine(blockLength: block, keyValueType: kvType)
    let (name, namespace, form) = (session.name, session.owner.namespace, form)
    let progress = StepProgress(isQuiet: store.json)
    let destination: SnapshotDestination =
      to == "-"
      ? .descriptor(STDOUT_FILENO, name: Output.standard.name) : .file(to, replacing: force)
    defer { progress.clear() }
    let figures = try await Interruption.cancels {
      try await engine.sessions.export(name, in: namespace, as: form, to: destination) {
        progress.advance(to: $0, of: $1)
      }
    }
    progress.clear()
    let record = SnapshotRecord(figures, name: name, namespace: namespace, form: form)
    // Standard output is the snapshot's where that goes there.
    try record.tell("exported", on: to == "-" ? .error : .standard, json: store.json)
  }
}
