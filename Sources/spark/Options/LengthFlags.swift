import ArgumentParser
import Generation

/// Where a text ends.
struct LengthFlags: ParsableArguments {
  @Option(
    name: [.customShort("n"), .long], parsing: .unconditional,
    help: "Tokens to generate at most; -1 goes on until the model or the context ends.")
  var maxTokens = GenerationOptions().maxTokens ?? -1

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Text that ends the reply and is not part of it; may repeat.", valueName: "text"))
  var stop: [String] = []

  @Flag(help: "Go on when the model would end the text.")
  var ignoreEos = false

  func validate() throws {
    try require(maxTokens >= -1, "--max-tokens must be -1 or more.")
  }

  func apply(to options: inout GenerationOptions) {
    options.maxTokens = maxTokens < 0 ? nil : maxTokens
    options.stopStrings = stop
    options.ignoresEndTokens = ignoreEos
  }
}
