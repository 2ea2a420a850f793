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

  func apply(to options: inout GenerationOptions) {
    options.drafts = DraftOptions(mode: drafts, most: draftMax)
  }
}

extension DraftOptions.Mode: ExpressibleByArgument {}
