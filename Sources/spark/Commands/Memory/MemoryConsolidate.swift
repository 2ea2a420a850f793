import ArgumentParser
import Generation
import Synchronization

/// `spark memory consolidate`: makes concepts of what recurs.
struct MemoryConsolidate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consolidate", abstract: "Make concepts of what recurs in a namespace.",
    discussion: """
      What several sessions say, and what replies keep recalling, becomes a concept: a statement of at \
      most 60 tokens that the model reads once, and that comes back like any passage, also when the \
      passages it was made of have been let go. An engine does the same by itself in calm after replies; \
      where nothing has changed since, nothing is done. Interrupted, it goes on the next time.
      """)

  @OptionGroup var owner: NamespaceFlag
  @OptionGroup var store: MemoryStoreFlags

  func run() async throws {
    let memory = try store.engine().memory
    let (namespace, json) = (owner.namespace, store.json)
    let progress = ConceptProgress(isQuiet: json)
    let report = try await Interruption.cancels {
      try await memory.consolidate(namespace) { progress.advance(to: $0, of: $1) }
    }
    progress.clear()
    if json {
      try Output.standard.writeJSONLine(ConsolidationRecord(report))
    } else {
      try Output.standard.write(ConsolidationRecord(report).line + "\n")
    }
    if report.isCancelled { throw ExitCode(Interruption.exitCode) }
  }
}

/// A bar that says how many concepts are there, drawn from the engine's threads.
private final class ConceptProgress: Sendable {
  private let isQuiet: Bool
  private let bar = Mutex<ProgressBar?>(nil)

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  func advance(to count: Int, of total: Int) {
    bar.withLock { bar in
      if bar == nil { bar = ProgressBar(total: total, isQuiet: isQuiet) }
      bar?.advance(to: count, "concepts")
    }
  }

  func clear() { bar.withLock { $0?.clear() } }
}

/// What a consolidation has come to, as JSON and in a line.
private struct ConsolidationRecord: Encodable {
  var namespace: String
  var statements: Int
  var concepts: Int
  var made: Int
  var dropped: Int
  var isUnchanged: Bool
  var isInterrupted: Bool

  init(_ report: ConsolidationReport) {
    namespace = report.namespace
    statements = report.statements
    concepts = report.concepts
    made = report.made
    dropped = report.dropped
    isUnchanged = report.isUnchanged
    isInterrupted = report.isCancelled
  }

  var line: String {
    let name = visible(Array(namespace.utf8))
    if isUnchanged { return "\(name): \(concepts.inConcepts), nothing new since the last time" }
    let rest = isInterrupted ? "; interrupted, the next time goes on from there" : ""
    return "\(name): \(concepts.inConcepts) of \(statements) statements, \(made) made, "
      + "\(dropped) dropped\(rest)"
  }
}

extension Int {
  /// A number of concepts, as `1 concept`.
  var inConcepts: String { self == 1 ? "1 concept" : "\(self) concepts" }
}
