import ArgumentParser
import Generation

/// `spark remember`: reads documents into memory.
struct Remember: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remember", abstract: "Read documents into memory, to be asked about later.",
    discussion: """
      Each document becomes a session of the namespace, named after the file as it is given here. \
      Afterwards spark generate --chat --memory namespace recalls what a question is about. A document \
      that is known is not read again; one that has changed replaces what was read of it. Ctrl-C \
      keeps what was read so far, and the next time goes on from there.
      """)

  @Argument(help: ArgumentHelp("Text files in UTF-8; - is standard input.", valueName: "file"))
  var files: [String]

  @Option(
    help: ArgumentHelp(
      "The document's name, instead of the file's; for one file.", valueName: "name")
  )
  var session: String?

  @Option(
    help: ArgumentHelp(
      "Where memory is kept. (default: \(StoreFolder.advice))", valueName: "folder"))
  var store: String?

  @OptionGroup var budget: StoreBudgetFlag

  @Flag(help: "Write one JSON object a line for each file.")
  var json = false

  @Flag(name: .shortAndLong, help: "Leave out progress and remarks.")
  var quiet = false

  @OptionGroup var owner: NamespaceFlag
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineFlags

  func validate() throws {
    try require(store != "", "--store must not be empty.")
    try require(
      session == nil || files.count == 1, "--session names one document; give one file with it.")
    try require(session != "", "--session must not be empty.")
    try require(Set(files).count == files.count, "Give each file once.")
  }

  func run() async throws {
    var options = try engine.options(remembering: model)
    options.store = store ?? StoreFolder.path()
    options.storeBytes = budget.storeBudget?.bytes
    // All are looked at before the first is read: that may take long.
    let documents = try files.map { file in
      let text = try TextInput.text(from: file)
      guard !text.isEmpty else {
        throw InputError("\(file) is empty; there is nothing to remember.")
      }
      return Document(session: session ?? file, text: text)
    }
    let reading = Reading(
      modelPath: try model.path(), options: options, namespace: owner.namespace,
      documents: documents, isQuiet: quiet, json: json)
    let isWhole = try await Interruption.cancels { try await reading.run() }
    if !isWhole { throw ExitCode(Interruption.exitCode) }
  }
}

private struct Document: Sendable {
  var session: String
  var text: String
}

/// Everything that reading needs, free of the command line.
private struct Reading: Sendable {
  var modelPath: String
  var options: EngineOptions
  var namespace: String
  var documents: [Document]
  var isQuiet: Bool
  var json: Bool

  /// - Returns: false when it was interrupted.
  func run() async throws -> Bool {
    let engine = try Engine(
      path: modelPath, options: options,
      onChange: { if !isQuiet { Output.error.tell("spark: governor: \($0)\n") } })
    if !isQuiet { engine.tellNotices() }
    for document in documents {
      if Task.isCancelled { return false }
      let progress = ReadingProgress(
        total: try engine.tokens(of: .text(document.text)).count, isQuiet: isQuiet || json)
      let result = try await engine.remember(
        document.text, as: document.session, in: namespace
      ) { progress.advance(to: $0) }
      progress.clear()
      let record = RememberedRecord(result, namespace: namespace, session: document.session)
      if json {
        try Output.standard.writeJSONLine(record)
      } else if !isQuiet || result.isCancelled {
        Output.error.tell("spark: \(record.line)\n")
      }
      if result.isCancelled { return false }
      if let summary = result.summary, let reason = summary.memory.reasonForDropping {
        throw InputError(
          "\(document.session): \(summary.memory.dropped.inTokens) could not be kept: \(reason)")
      }
    }
    return true
  }
}

/// How a document came to be remembered, as JSON and in a line.
struct RememberedRecord: Encodable {
  var namespace: String
  var session: String
  var tokens: Int
  var knownTokens: Int
  var rememberedTokens: Int
  var letGoTokens: Int
  var replacedPassages: Int
  var seconds: Double
  var tokensPerSecond: Double?
  var isInterrupted: Bool

  init(_ result: RememberedText, namespace: String, session: String) {
    self.namespace = namespace
    self.session = session
    tokens = result.tokens
    knownTokens = result.known
    rememberedTokens = result.remembered
    letGoTokens = result.letGo
    replacedPassages = result.replaced
    seconds = result.summary?.prefillDuration.seconds ?? 0
    tokensPerSecond = result.summary?.prefillTokensPerSecond
    isInterrupted = result.isCancelled
  }

  var line: String {
    let name = visible(Array(session.utf8))
    if isInterrupted {
      return
        "\(name): interrupted; the first \(rememberedTokens) of \(tokens.inTokens) are remembered, "
        + "the next time goes on from there"
    }
    if knownTokens == tokens { return "\(name): known already, \(tokens.inTokens)" }
    let known = knownTokens > 0 ? ", \(knownTokens) of them known" : ""
    let rate = tokensPerSecond.map { ", at \($0.inTenths) tokens/s" } ?? ""
    let replaced =
      replacedPassages > 0 ? "; \(replacedPassages.inPassages) of what it was before forgotten" : ""
    let lost =
      letGoTokens > 0
      ? "; \(letGoTokens.inTokens) of it were let go of again, as the store's budget has no room"
      : ""
    return "\(name): \(rememberedTokens.inTokens) remembered\(known)\(rate)\(lost)\(replaced)"
  }
}
