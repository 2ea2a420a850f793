import FoundationEssentials

/// What the process was started with and as.
enum ProcessEnvironment {
  static var current: [String: String] { ProcessInfo.processInfo.environment }

  /// The absolute path of this program's file, links followed.
  static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "spark"
  }
}
