import ArgumentParser
import Generation

/// How a conversation is held.
struct ChatFlags: ParsableArguments {
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
  @OptionGroup(title: "Beams") var beams: BeamFlags
  @OptionGroup(title: "Drafts") var drafts: DraftFlags
  @OptionGroup(title: "Quality") var quality: QualityFlags
  @OptionGroup(title: "Heat") var thermal: ThermalFlags
  @OptionGroup(title: "Profile") var profile: ProfileFlags

  @Option(
    help: ArgumentHelp(
      "Give the weights' memory back after so long without a question, such as 5m; keys and values stay, "
        + "and the next question loads the model again. (default: never)", valueName: "time"))
  var keepAlive: DurationArgument?

  @Flag(name: .shortAndLong, help: "Leave out remarks.")
  var quiet = false

  @Flag(help: "Tell each reply's figures.")
  var verbose = false

  func validate() throws {
    try beams.validate(beside: sampling)
    try GenerationOptions(length, sampling, beams, drafts).validateUsage()
  }

  /// Talks until there is nothing more to be said.
  ///
  /// - Parameters:
  ///   - session: its name; nil: a new one.
  ///   - mustExist: whether it is not begun.
  func talk(in session: String?, mustExist: Bool = false) async throws {
    var engineOptions = try engine.options(remembering: model)
    engineOptions.thermal = thermal.options
    drafts.engine.apply(to: &engineOptions)
    beams.apply(to: &engineOptions)
    engineOptions.store = memory.store ?? StoreFolder.path()
    engineOptions.storeBytes = memory.budget.storeBudget?.bytes
    profile.apply(to: &engineOptions)
    let options = engineOptions
    try await ProfileTeller(profile).follow(to: .error, json: false) { begin in
      try await talk(in: session, mustExist: mustExist, options, begin)
    }
  }

  private func talk(
    in session: String?, mustExist: Bool, _ engineOptions: EngineOptions,
    _ begin: (Engine) -> Void
  ) async throws {
    let isQuiet = quiet
    let engine = try Engine(
      path: try model.path(), options: engineOptions,
      onChange: { if !isQuiet { Output.error.tell("spark: governor: \($0)\n") } })
    if !isQuiet { engine.tellNotices() }
    begin(engine)
    if mustExist, let session {
      _ = try await engine.sessions.description(of: session, in: memory.namespace)
    }
    let conversation = try await engine.conversation(
      named: session, namespace: memory.namespace, template: template?.template,
      scope: memory.memory, rereading: memory.rereading.reread)
    if let system { try conversation.tell(system) }
    var options = GenerationOptions(
      length, sampling, beams, drafts, over: conversation.options ?? GenerationOptions())
    quality.apply(to: &options)
    // Whether it is told or not: /recall asks afterwards.
    options.memory.explains = true
    var loop = ChatLoop(
      engine: engine, conversation: conversation, options: options, window: engineOptions.window,
      keepAlive: keepAlive?.duration, explains: memory.explain, isQuiet: quiet, isVerbose: verbose)
    try await loop.run()
  }
}

extension Conversation {
  /// Says what the model is to be, if it has not been said already.
  func tell(_ instructions: String) throws {
    if try messages().first != .system(instructions) { try system(instructions) }
  }
}
