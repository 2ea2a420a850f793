import Foundation
import TestSupport

/// How much is tried: a little in every test run, 300 times with `Scripts/durability`.
enum DurabilityPlan {
  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  /// How often each thing is tried that is left to chance.
  static let runs = Int(number("SPARK_DURABILITY_RUNS") ?? 5)

  /// What chance begins with; every table and every failure tells it.
  static let seed = number("SPARK_DURABILITY_SEED") ?? .random(in: 1...999_999)

  /// The randomness of one run, which can be repeated without those before it.
  static func randomness(_ kind: String, run: Int) -> SeededGenerator {
    let mixed = kind.utf8.reduce(seed &* 1_000_003) { $0 &* 31 &+ UInt64($1) }
    return SeededGenerator(seed: mixed &+ UInt64(run))
  }
}
