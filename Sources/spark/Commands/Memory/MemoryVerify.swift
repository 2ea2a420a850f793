import ArgumentParser
import Generation

/// `spark memory verify`: reads everything back.
struct MemoryVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Read every passage back and check it.",
    discussion: """
      What is damaged is named, and never used. To mend it, forget the passage and read its text \
      again. Exits with 1 when anything is wrong.
      """)

  @OptionGroup var namespaces: NamespacesFlag
  @OptionGroup var store: MemoryStoreFlags

  func run() async throws {
    let memory = try store.engine().memory
    let namespace = namespaces.namespace
    let check = try await Interruption.cancels { try await memory.verify(in: namespace) }
    if store.json {
      try Output.standard.writeJSONLine(CheckRecord(check))
    } else {
      try Output.standard.write(CheckRecord(check).lines)
    }
    if check.isCancelled { throw ExitCode(Interruption.exitCode) }
    if !check.isClean { throw ExitCode.failure }
  }
}

/// What a check has found, in JSON's words and for people.
private struct CheckRecord: Encodable {
  var passages: Int
  var concepts: Int
  var incomplete: Int
  var damaged: [Damage]
  var remarks: [String]
  var isCancelled: Bool

  struct Damage: Encodable {
    var id: String
    var namespace: String?
    var session: String?
    var block: Int?
    var reason: String
  }

  init(_ check: MemoryCheck) {
    passages = check.passages
    concepts = check.concepts
    incomplete = check.incomplete
    damaged = check.damaged.map {
      Damage(
        id: $0.id, namespace: $0.passage?.namespace, session: $0.passage?.session,
        block: $0.passage?.block, reason: $0.reason)
    }
    remarks = check.remarks
    isCancelled = check.isCancelled
  }

  var lines: String {
    var lines = damaged.map { damage in
      let origin = damage.session.map {
        " (session \(visible(Array($0.utf8))), block \((damage.block ?? 0) + 1))"
      }
      return "damaged: passage \(damage.id)\(origin ?? ""): \(damage.reason)"
    }
    lines += remarks.map { "found: \($0)" }
    if incomplete > 0 { lines.append("incomplete: \(incomplete.inPassages), let go for room") }
    lines.append(
      "\(passages.inPassages) read back"
        + (concepts > 0 ? ", \(concepts.inConcepts) among them" : "")
        + ", \(damaged.count) damaged"
        + (isCancelled ? "; interrupted" : ""))
    return lines.map { $0 + "\n" }.joined()
  }
}
