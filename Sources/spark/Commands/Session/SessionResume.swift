import ArgumentParser

/// `spark session resume`: goes on with a conversation.
struct SessionResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Go on with a session, as spark chat --session does.",
    discussion: "One that is not there is not begun.")

  @Argument(help: ArgumentHelp("The session.", valueName: "name"))
  var name: String

  @OptionGroup var flags: ChatFlags

  func validate() throws { try require(!name.isEmpty, "A session's name is not empty.") }

  func run() async throws { try await flags.talk(in: name, mustExist: true) }
}
