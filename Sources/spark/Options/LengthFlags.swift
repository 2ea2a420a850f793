import ArgumentParser
import Generation

/// Where a text ends.
struct LengthFlags: ParsableArguments {
  @Option(
    name: [.customShort("n"), .long], parsing: .unconditional,
    help: help(
      "Tokens to generate at most; -1 goes on until the model or the context ends.",
      or: GenerationOptions().maxTokens ?? -1))
  var maxTokens: Int?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Text that ends the reply and is not part of it; may repeat.", valueName: "text"))
  var stop: [String] = []

  @Flag(inversion: .prefixedNo, help: "Go on when the model would end the text.")
  var ignoreEos: Bool?

  func validate() throws {
    try require(maxTokens.map { $0 >= -1 } ?? true, "--max-tokens must be -1 or more.")
  }

  /// Says what the flags say; what none does stays as it is.
  func apply(to options: inout GenerationOptions) {
    if let maxTokens { options.maxTokens = maxTokens < 0 ? nil : maxTokens }
    if !stop.isEmpty { options.stopStrings = stop }
    if let ignoreEos { options.ignoresEndTokens = ignoreEos }
  }
}
