import ArgumentParser

/// `spark model`: what a model file is and computes.
struct ModelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Look into model files.",
    subcommands: [ModelShow.self, ModelLogits.self])
}
