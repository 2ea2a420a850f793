import ArgumentParser
import Generation

/// Which model a command uses.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The GGUF file. (default: the model that ships with Spark)", valueName: "file"))
  var model: String?

  func path() throws -> String { try model ?? EmbeddedModel.path() }

  /// The window that leaves the model's context room for what comes back.
  func rememberingWindow() throws -> Window {
    .remembering(
      trainedContext: try ModelDescription(file: try GGUFFile(path: path())).contextLength)
  }

  /// The model's tokenizer, without its weights.
  func tokenizer() throws -> Tokenizer {
    let file = try GGUFFile(path: path())
    do {
      return try Tokenizer(metadata: file.metadata)
    } catch {
      throw InputError("\(file.name): \(error.message)")
    }
  }
}
