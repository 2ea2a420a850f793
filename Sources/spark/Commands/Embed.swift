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
    let input = texts.isEmpty ? try lines() : nil
    let engine = try Engine(path: try model.path(), options: engine.options)
    let command = self
    try await Interruption.cancels {
      do {
        if let input {
          try await command.embed(input, engine)
        } else {
          for text in command.texts { try await command.embed(text, engine) }
        }
      } catch is EngineError where Task.isCancelled {
        throw CancellationError()
      }
    }
  }

  /// Standard input, unless it is a terminal at which nobody expects to type.
  private func lines() throws -> LineInput {
    guard !TextInput.isTyped else {
      throw ValidationError("Give the texts as arguments, or pipe them in.")
    }
    return try LineInput(path: "-")
  }

  /// Embeds each line as it comes; empty ones are no texts.
  private func embed(_ input: LineInput, _ engine: Engine) async throws {
    while let lines = try await input.next() {
      for line in lines where !line.bytes.isEmpty {
        let place = "line \(line.number) of \(input.name)"
        guard !line.isTooLong else {
          throw InputError(
            "\(place) is longer than \(LineInput.longestLine) bytes, the most that is read of one.")
        }
        guard let text = String(validating: line.bytes, as: UTF8.self) else {
          throw InputError("\(place) is not UTF-8 text.")
        }
        try await embed(text, engine)
      }
    }
    try Task.checkCancellation()
  }

  private func embed(_ text: String, _ engine: Engine) async throws {
    let vectors = try await engine.embeddings(of: [text], pooling: pooling)
    try Output.standard.writeJSONLine(Record(text: text, embedding: vectors[0]))
  }

  private struct Record: Encodable {
    var text: String
    var embedding: [Float]
  }
}

extension EmbeddingPooling: ExpressibleByArgument {}
