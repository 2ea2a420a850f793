import ArgumentParser
import Generation

/// What the model reads, and whether it continues or answers it.
struct PromptOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The prompt, after -- if it begins with a dash; - reads standard input, as does no prompt.",
      valueName: "prompt"))
  var text: String?

  @Option(help: ArgumentHelp("Read the prompt from a file.", valueName: "path"))
  var file: String?

  @Flag(exclusivity: .chooseLast, help: "Continue the prompt, or answer it in one turn of a chat.")
  var style: PromptStyle = .raw

  @Option(help: ArgumentHelp("What the model is told to be; makes it a chat.", valueName: "text"))
  var system: String?

  @Option(
    help: ArgumentHelp(
      "The chat's format, where the model names none; makes it a chat.", valueName: "name"))
  var template: TemplateArgument?

  /// - Parameter isTurn: whether it is the turn of a chat in any case.
  func prompt(isTurn: Bool) throws -> Prompt {
    let text = try TextInput.read(argument: text, file: file, what: "prompt")
    guard isTurn || style == .chat || system != nil || template != nil else { return .text(text) }
    let instructions = system.map { [ChatMessage(role: .system, content: $0)] } ?? []
    return .chat(instructions + [ChatMessage(role: .user, content: text)])
  }
}

/// A chat format by its name.
struct TemplateArgument: ExpressibleByArgument, Sendable {
  let template: ChatTemplate

  init?(argument: String) {
    guard let template = ChatTemplate.named(argument) else { return nil }
    self.template = template
  }

  static var allValueStrings: [String] { ChatTemplate.names }
}

/// Whether a prompt is the start of a text or a message to answer.
enum PromptStyle: EnumerableFlag {
  case raw, chat
}
