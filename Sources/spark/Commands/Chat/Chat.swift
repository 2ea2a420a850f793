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

  @Option(help: ArgumentHelp("What the model is told to be.", valueName: "text"))
  var system: String?

  @Option(
    help: ArgumentHelp("The chat's format, where the model names none.", valueName: "name"))
  var template: TemplateArgument?

  @OptionGroup(title: "Session") var memory: ChatMemoryFlags
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineFlags
  @OptionGroup(title: "Length") var length: LengthFlags
  @OptionGroup(title: "Sampling") var sampling: SamplingFlags
  @OptionGroup(title: "Drafts") var drafts: DraftFlags
  @OptionGroup(title: "Heat") var thermal: ThermalFlags

  @Flag(name: .shortAndLong, help: "Leave out remarks.")
  var quiet = false

  @Flag(help: "Tell each reply's figures.")
  var verbose = false

  func validate() throws { try options.validateUsage() }

  func run() async throws {
    var engineOptions = try engine.options(remembering: model)
    engineOptions.thermal = thermal.options
    engineOptions.store = memory.store ?? StoreFolder.path()
    let isQuiet = quiet
    let engine = try Engine(
      path: try model.path(), options: engineOptions,
      onChange: { if !isQuiet { Output.error.tell("spark: governor: \($0)\n") } })
    let conversation = try await engine.conversation(
      named: memory.session, namespace: memory.namespace, template: template?.template,
      scope: memory.memory)
    if let system, try conversation.messages().first != .system(system) {
      try conversation.system(system)
    }
    var loop = ChatLoop(
      engine: engine, conversation: conversation, options: options, window: engineOptions.window,
      explains: memory.explain, isQuiet: quiet, isVerbose: verbose)
    try await loop.run()
  }

  private var options: GenerationOptions {
    var options = GenerationOptions(length, sampling, drafts)
    // Whether it is told or not: /recall asks afterwards.
    options.memory.explains = true
    return options
  }
}
