import ArgumentParser
import Generation

/// `spark chat`: a conversation that is kept.
struct Chat: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "Talk with a model; what is said is kept.",
    discussion: """
      Every question and its reply are kept when the reply has ended, and the next spark chat with the \
      same --session goes on from there. Ctrl-C stops a reply; Ctrl-C at an empty prompt, Ctrl-D or \
      /exit leaves; /help lists the other commands. A line that ends in a backslash goes on in the next.

      Through a pipe each line is a question, replies go to standard output, and everything else to \
      standard error. A line that begins with two slashes is said with one.
      """)

  @Option(
    help: ArgumentHelp(
      "The conversation to go on with, or to begin. (default: a new one, named after the day)",
      valueName: "name"))
  var session: String?

  @OptionGroup var flags: ChatFlags

  func validate() throws { try require(session != "", "--session must not be empty.") }

  func run() async throws { try await flags.talk(in: session) }
}
