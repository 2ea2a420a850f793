import ArgumentParser
import Generation

/// `spark profile`: where the time of reading and writing goes.
struct ProfileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Measure where the time of prefill and decode goes, and what limits it.",
    discussion: """
      Prefill reads -p tokens and decode writes -n tokens, each behind a text of -d tokens, after a run that is \
      not counted. For each module of the model: its time, what it reads and computes, and how near that comes to \
      what the machine's memory and processor give, measured in the same run.
      """)

  @Argument(
    help: ArgumentHelp(
      "A GGUF file. (default: the model that ships with Spark)", valueName: "model"))
  var model: String?

  @Option(name: [.customShort("p"), .long], help: "Tokens to prefill; 0 leaves prefill out.")
  var promptTokens = 512

  @Option(name: [.customShort("n"), .long], help: "Tokens to decode; 0 leaves decode out.")
  var decodeTokens = 128

  @Option(name: .shortAndLong, help: "Tokens that stand before them.")
  var depth = 0

  @Option(
    help: ArgumentHelp(
      "Write when each part of each pass ran to a file that Perfetto (https://ui.perfetto.dev) opens.",
      valueName: "file"))
  var trace: String?

  @Flag(help: "Write one JSON object.")
  var json = false

  @OptionGroup(title: "Engine") var engine: EngineFlags

  func validate() throws {
    try require(promptTokens >= 0, "--prompt-tokens must not be negative.")
    try require(decodeTokens >= 0, "--decode-tokens must not be negative.")
    try require(depth >= 0, "--depth must not be negative.")
    try require(
      promptTokens + decodeTokens > 0, "--prompt-tokens and --decode-tokens are both 0; give one.")
    try flags.validate()
  }

  func run() async throws {
    var options = engine.options
    let (command, flags) = (self, flags)
    flags.apply(to: &options)
    let teller = try ProfileTeller(flags)
    let path = try model ?? EmbeddedModel.path()
    try await Interruption.cancels { [options] in
      try await teller.follow(to: .standard, json: command.json) { begin in
        let engine = try Engine(path: path, options: options)
        begin(engine)
        try await command.measure(engine)
      }
    }
  }

  private func measure(_ engine: Engine) async throws {
    // Not counted: the processor's clock and whatever is set up at first.
    try await engine.profileDecode(tokens: min(max(decodeTokens, 1), 8))
    if promptTokens > 0 { try await engine.profilePrefill(tokens: min(promptTokens, 64)) }
    await engine.resetProfile()
    if promptTokens > 0 { try await engine.profilePrefill(tokens: promptTokens, depth: depth) }
    if decodeTokens > 0 { try await engine.profileDecode(tokens: decodeTokens, depth: depth) }
  }

  private var flags: ProfileFlags {
    var flags = ProfileFlags()
    flags.profile = true
    flags.trace = trace
    return flags
  }
}
