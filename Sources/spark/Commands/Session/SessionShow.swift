import ArgumentParser
import Generation

/// `spark session show`: what was said.
struct SessionShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what was said in a session.",
    discussion: "With --json: the session in the first line, then a message in each.")

  @OptionGroup var session: SessionArgument
  @OptionGroup var store: SessionStoreFlags

  func run() async throws {
    let sessions = try store.engine().sessions
    let (name, namespace) = (session.name, session.owner.namespace)
    let description = try await sessions.description(of: name, in: namespace)
    let messages = try await sessions.messages(of: name, in: namespace)
    let output = Output.standard
    guard store.json else {
      return try output.write(
        messages.map { "\($0.role.rawValue): \($0.content)\n" }.joined(separator: "\n"))
    }
    try output.writeJSONLine(SessionRecord(description))
    for message in messages { try output.writeJSONLine(message) }
  }
}
