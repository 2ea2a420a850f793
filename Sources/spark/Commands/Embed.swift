public import ArgumentParser
public import Generation

/// `spark embed`: texts as vectors.
struct Embed: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed", abstract: "Turn texts into vectors.",
    discussion: """
      One JSON object a line: the text and its vector, of length 1, so that the product of two is their \
      cosine. Without arguments, each line of standard input is a text.
      """)

  @Argument(help: ArgumentHelp("The texts.", valueName: "text"))
  var texts: [String] = []

  @Option(help: "What stands for a text: the mean of its tokens' states, or the last one's.")
  var pooling = EmbeddingPooling.mean

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineFlags

  func run() async throws {
    let engine = try Engine(path: try model.path(), options: engine.options)
    var texts = texts
    if texts.isEmpty {
      texts = try TextInput.read(argument: nil, what: "text")
        .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }
    let (pooling, all) = (pooling, texts)
    try await Interruption.cancels {
      for text in all {
        let vectors = try await engine.embeddings(of: [text], pooling: pooling)
        try Output.standard.writeJSONLine(Record(text: text, embedding: vectors[0]))
      }
    }
  }

  private struct Record: Encodable {
    var text: String
    var embedding: [Float]
  }
}

extension EmbeddingPooling: ExpressibleByArgument {}
