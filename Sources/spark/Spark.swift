import ArgumentParser

@main
struct Spark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spark", abstract: "Streaming text generation that remembers.")
}
