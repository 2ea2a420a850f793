import ArgumentParser
import Evaluation
import Generation

/// The arms an evaluation compares, and how the model is run meanwhile.
struct ArmFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The arms, separated by commas: full, window, cascade, ceiling.", valueName: "names"))
  var arms = ArmList(kinds: ArmKind.allCases)

  @Option(help: "Tokens of the sliding window.")
  var window = 512

  @Option(
    help: ArgumentHelp(
      "Run the cascade at several values of one option: recall=0,2,4 or window=128,256.",
      valueName: "option=values"))
  var sweep: Sweep?

  @OptionGroup var shared: SharedEngineFlags

  func validate() throws {
    try require(window > 0, "--window must be at least 1.")
    if let sweep {
      try require(
        arms.kinds.contains { $0 == .cascade || (sweep.option == .window && $0 == .window) },
        "--sweep needs the arm that it changes: cascade.")
    }
  }

  var engine: EngineOptions {
    var options = shared.options
    // What is measured must not depend on how long it takes.
    options.consolidation.isAutomatic = false
    return options
  }

  /// The arms that were asked for.
  func list() -> [Arm] { list(arms.kinds) }

  /// The arms of `kinds`, the swept ones at each value, on engines like `base`.
  func list(_ kinds: [ArmKind], base: EngineOptions? = nil) -> [Arm] {
    let base = base ?? engine
    guard let sweep else { return kinds.map { $0.arm(base: base, window: window) } }
    return sweep.arms(kinds, base: base, window: window)
  }
}

/// Names of arms separated by commas.
struct ArmList: ExpressibleByArgument, Sendable {
  var kinds: [ArmKind]

  init(kinds: [ArmKind]) { self.kinds = kinds }

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false)
    kinds = names.compactMap { ArmKind(rawValue: String($0)) }
    guard kinds.count == names.count, Set(kinds).count == kinds.count else { return nil }
  }

  var defaultValueDescription: String { kinds.map(\.rawValue).joined(separator: ",") }
}

extension Sweep: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
