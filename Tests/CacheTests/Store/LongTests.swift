import Foundation

/// Whether tests take the time to try everything: `Scripts/store-trials` asks for it.
enum LongTests {
  static let areOn = ProcessInfo.processInfo.environment["SPARK_LONG_TESTS"] == "1"
}
