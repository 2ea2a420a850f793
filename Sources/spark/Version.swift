import Generation

/// What `spark --version` tells: enough to know which program made a result.
struct Version: CustomStringConvertible {
  var number = "0.1.0"
  var instructionSet: String
  var build: String

  static var current: Version {
    Version(instructionSet: InstructionSet.best.rawValue, build: "\(configuration), \(platform)")
  }

  var description: String { "spark \(number) (\(instructionSet); \(build))" }

  private static var configuration: String {
    #if DEBUG
      "debug build"
    #else
      "release build"
    #endif
  }

  private static var platform: String {
    #if arch(x86_64)
      "Linux x86-64"
    #elseif arch(arm64)
      "Linux aarch64"
    #else
      "Linux"
    #endif
  }
}
