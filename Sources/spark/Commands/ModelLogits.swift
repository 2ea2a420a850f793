import ArgumentParser
import Generation

/// `spark model logits`: writes the scores a model gives at every position of a text.
struct ModelLogits: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Write the scores of every token at every position, to compare engines.",
    discussion: """
      The output is an array [tokens, vocabulary] of little-endian 32-bit floats without a header: \
      row i holds the scores of what follows token i.
      """)

  @Argument(help: ArgumentHelp("The GGUF file.", valueName: "file"))
  var model: String

  @Option(help: ArgumentHelp("Token ids, separated by commas.", valueName: "1,2,3"))
  var ids: TokenList?

  @Option(help: ArgumentHelp("A text, tokenized as generate does.", valueName: "text"))
  var prompt: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write; - is standard output.", valueName: "path"))
  var output: String

  @OptionGroup(title: "Engine") var engine: EngineFlags

  func validate() throws {
    try require((ids == nil) != (prompt == nil), "Give either --ids or --prompt.")
  }

  func run() async throws {
    let (path, options) = (model, engine.options)
    let (ids, prompt, output) = (ids, prompt, output)
    try await Interruption.cancels {
      let engine = try Engine(path: path, options: options)
      let tokens = try engine.tokens(of: ids.map { .tokens($0.tokens) } ?? .text(prompt ?? ""))
      try await OutputFile.write(output) { file in
        try await engine.logits(of: tokens) { _, scores in
          try file.write(unsafe scores.bytes)
        }
      }
    }
  }
}
