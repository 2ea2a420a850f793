import ArgumentParser
import Generation
import Glibc

/// `spark session import`: a session from a file.
struct SessionImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Bring a session from a file into the store.",
    discussion: """
      The file is checked as a whole before anything is written, and the session is there as a whole or not \
      at all. Checksums find damage, not malice: import what you would trust to answer in your place, or \
      import it with --text.
      """)

  @Argument(help: ArgumentHelp("The file; - is standard input.", valueName: "file"))
  var file: String

  @Option(name: .customLong("as"), help: ArgumentHelp("Another name for it.", valueName: "name"))
  var newName: String?

  @Option(
    help: ArgumentHelp("The owner that it comes to. (default: the one it had)", valueName: "name"))
  var namespace: String?

  @Flag(help: "Leave keys and values out: any model reads what was said.")
  var text = false

  @OptionGroup var store: SessionStoreFlags

  func validate() throws {
    try require(!file.isEmpty, "A file's name is not empty.")
    try require(newName != "", "--as must not be empty.")
    try require(namespace != "", "--namespace must not be empty.")
  }

  func run() async throws {
    let snapshot =
      try file == "-"
      ? SessionSnapshot(descriptor: STDIN_FILENO, name: "standard input")
      : SessionSnapshot(path: file)
    // As the session was held, so that its blocks fit.
    let blocks = text ? nil : snapshot.blocks
    let engine = try store.engine(
      blockLength: blocks?.blockLength, keyValueType: blocks?.keyValueType, scorer: blocks?.scorer,
      begins: true)
    let progress = StepProgress(isQuiet: store.json)
    let (newName, namespace, text) = (newName, namespace, text)
    defer { progress.clear() }
    let imported = try await Interruption.cancels {
      try await engine.sessions.import(
        snapshot, as: newName, in: namespace, isTextOnly: text
      ) { progress.advance(to: $0, of: $1) }
    }
    progress.clear()
    let record = SnapshotRecord(
      imported.figures, name: imported.session.name, namespace: imported.session.namespace,
      form: text ? .text : snapshot.form, reason: imported.reasonForReading)
    try record.tell("imported", on: .standard, json: store.json)
  }
}
