public import ArgumentParser
public import Generation

/// How the model is run: threads, context, what stays in attention.
struct EngineFlags: ParsableArguments {
  @Option(help: "Tokens of context to make room for. (default: what the model was trained for)")
  var context: Int?

  @Option(
    help: ArgumentHelp(
      "What stays in attention: full, or the last N tokens beside the sinks. "
        + "(default: full; in a chat and with --memory namespace 512, or a quarter of what the model was "
        + "trained for if that is less)", valueName: "full|n"))
  var window: Window?

  @OptionGroup var shared: SharedEngineFlags

  func validate() throws {
    try require(context.map { $0 > 0 } ?? true, "--context must be at least 1.")
  }

  var options: EngineOptions {
    var options = shared.options
    options.contextLength = context
    if let window { options.window = window }
    return options
  }

  /// The same where memory is to come back: a full window would leave no room in the model's context for it.
  func options(remembering model: ModelOptions) throws -> EngineOptions {
    var options = options
    if window == nil { options.window = try model.rememberingWindow() }
    return options
  }
}

/// `full` or a number of tokens.
extension Window: ExpressibleByArgument {
  public init?(argument: String) {
    if argument == "full" {
      self = .full
    } else if let tokens = Int(argument), tokens > 0 {
      self = .sliding(tokens: tokens)
    } else {
      return nil
    }
  }

  public var defaultValueDescription: String {
    switch self {
    case .full: "full"
    case .sliding(let tokens): "\(tokens)"
    }
  }
}

/// Refuses wrong usage in one line.
func require(_ condition: Bool, _ message: String) throws {
  guard condition else { throw ValidationError(message) }
}
