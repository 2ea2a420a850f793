import ArgumentParser
import Generation

/// `spark tokenize`: the tokens a model makes of a text.
struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Show the tokens of a text.",
    discussion: """
      One token a line: its id and its piece, in which control characters and bytes that are no \
      text by themselves are written \\xNN.
      """)

  @Argument(
    help: ArgumentHelp("The text; - or nothing reads it from standard input.", valueName: "text"))
  var text: String?

  @OptionGroup(title: "Model") var model: ModelOptions

  @Flag(help: "Write the ids alone, on one line.")
  var ids = false

  @Flag(help: "Leave out the token that the model puts at the start of a text.")
  var noBos = false

  @Flag(help: "Read special tokens, such as <|im_end|>, as tokens instead of as text.")
  var special = false

  @Flag(help: "Write one JSON object a line.")
  var json = false

  func run() throws {
    let tokenizer = try model.tokenizer()
    let text = try TextInput.read(argument: text, what: "text")
    let tokens = tokenizer.encode(text, addSpecial: !noBos, parseSpecial: special)
    if json {
      for token in tokens {
        try Output.standard.writeJSONLine(
          TokenizedRecord(id: token, bytes: tokenizer.piece(token, includingSpecial: true)))
      }
    } else if ids {
      try Output.standard.write(tokens.map { "\($0)" }.joined(separator: " ") + "\n")
    } else {
      try Output.standard.write(
        tokens.map { "\($0) \(visible(tokenizer.piece($0, includingSpecial: true)))\n" }.joined())
    }
  }
}

/// A token as a JSON line. `piece` is missing where the token's bytes are no text by themselves.
private struct TokenizedRecord: Encodable {
  var id: TokenID
  var piece: String?
  var bytes: [UInt8]

  init(id: TokenID, bytes: [UInt8]) {
    self.id = id
    self.bytes = bytes
    piece = String(validating: bytes, as: UTF8.self)
  }
}
