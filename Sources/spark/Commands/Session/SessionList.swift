import ArgumentParser
import Generation

/// `spark session list`: which there are.
struct SessionList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List sessions, the one used last first.")

  @OptionGroup var namespaces: NamespacesFlag
  @OptionGroup var store: SessionStoreFlags

  func run() async throws {
    let sessions = try await store.engine().sessions.list(in: namespaces.namespace)
    let records = sessions.map { SessionRecord($0) }
    guard store.json else { return try Output.standard.write(SessionRecord.table(records)) }
    for record in records { try Output.standard.writeJSONLine(record) }
  }
}
