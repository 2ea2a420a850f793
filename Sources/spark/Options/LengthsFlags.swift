import ArgumentParser

/// The texts of a synthetic task.
struct LengthsFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Tokens of the text, such as 1k,2k,4096.", valueName: "list"))
  var lengths = NumberList([512, 896, 2048, 4096, 8192])

  func validate() throws {
    try require(
      !lengths.values.isEmpty && lengths.values.allSatisfy { (1...1_048_576).contains($0) },
      "--lengths must be between 1 and 1048576.")
  }
}

/// Where in the text the answer stands.
struct DepthFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Where the answer stands, in percent.", valueName: "list"))
  var depths = NumberList(Array(stride(from: 0, through: 100, by: 10)))

  @Option(help: "Questions for each length and depth.")
  var items = 2

  func validate() throws {
    try require(items > 0, "--items must be at least 1.")
    try require(
      !depths.values.isEmpty && depths.values.allSatisfy { $0 <= 100 },
      "--depths must be between 0 and 100.")
  }
}
