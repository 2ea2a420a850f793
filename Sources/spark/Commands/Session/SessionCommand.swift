import ArgumentParser

/// `spark session`: the conversations that are kept.
struct SessionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session", abstract: "Look at conversations that are kept, and change them.",
    discussion: """
      A session is what was said in spark chat under one name, in a namespace. spark chat --session NAME \
      goes on with one.
      """,
    subcommands: [
      SessionList.self, SessionShow.self, SessionResume.self, SessionRename.self, SessionPin.self,
      SessionUnpin.self, SessionFork.self, SessionDelete.self, SessionExport.self,
      SessionImport.self,
    ])
}
