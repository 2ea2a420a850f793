public import ArgumentParser
public import Generation

/// Whether tokens are guessed before the model is asked.
struct DraftFlags: ParsableArguments {
  private static let defaults = DraftOptions()

  @Option(
    help: ArgumentHelp(
      "Guess tokens from the text and the namespace's memory and check several in one pass: as long "
        + "as it pays, always, or never. The text is the same.", valueName: "mode"))
  var drafts = defaults.mode

  @Option(help: "Tokens to guess at once at most.")
  var draftMax = defaults.most

  @OptionGroup var engine: DraftEngineFlags

  func apply(to options: inout GenerationOptions) {
    options.drafts = DraftOptions(mode: drafts, most: draftMax)
  }
}

/// Who guesses beside what was said before, and whether layers may be left out.
struct DraftEngineFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A smaller model with the same vocabulary that guesses tokens, too. The text is the same.",
      valueName: "file"))
  var draftModel: String?

  @Option(
    help: ArgumentHelp(
      "Have the model's own first layers guess tokens, too: so many of them, or as many as turns out "
        + "best. The text is the same.", valueName: "layer|auto"))
  var draftExit: DraftExit?

  @Option(
    defaultAsFlag: EarlyExitThreshold.standard, parsing: .next,
    help: ArgumentHelp(
      "Leave layers out for a token whose successor is so probable after half or three quarters of them; "
        + "without a value 0.7. The text is not the same.", valueName: "probability"))
  var earlyExit: EarlyExitThreshold?

  func validate() throws { try earlyExit?.validate() }

  func apply(to options: inout EngineOptions) {
    options.draftModel = draftModel
    options.draftExit = draftExit
    options.earlyExit = earlyExit?.probability
  }
}

extension DraftExit: ExpressibleByArgument {
  public init?(argument: String) {
    if argument == "auto" {
      self = .automatic
    } else if let layer = Int(argument) {
      self = .layer(layer)
    } else {
      return nil
    }
  }

  public var defaultValueDescription: String {
    switch self {
    case .automatic: "auto"
    case .layer(let layer): "\(layer)"
    }
  }
}

extension DraftOptions.Mode: ExpressibleByArgument {}
