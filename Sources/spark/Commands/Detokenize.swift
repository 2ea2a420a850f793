import ArgumentParser
import Generation

/// `spark detokenize`: the text of tokens.
struct Detokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize", abstract: "Write the text of tokens.",
    discussion: "The bytes go to standard output as they are, with nothing added.")

  @Argument(
    help: ArgumentHelp(
      "Token ids; - or nothing reads them from standard input.", valueName: "ids"))
  var ids: [String] = []

  @OptionGroup(title: "Model") var model: ModelOptions

  @Flag(help: "Also write special tokens, such as <|im_end|>.")
  var special = false

  func run() throws {
    let text = try TextInput.read(
      argument: ids.isEmpty ? nil : ids.joined(separator: " "), what: "ids")
    guard let list = TokenList(argument: text) else {
      throw ValidationError("Token ids are whole numbers, separated by spaces or commas.")
    }
    let tokenizer = try model.tokenizer()
    if let stranger = list.tokens.first(where: {
      !(0..<tokenizer.vocabularySize).contains(Int($0))
    }) {
      throw InputError(
        "token \(stranger) is not in the vocabulary, whose ids end at "
          + "\(tokenizer.vocabularySize - 1).")
    }
    let bytes = tokenizer.decode(list.tokens, includingSpecial: special)
    try unsafe Output.standard.write(bytes.span.bytes)
  }
}
