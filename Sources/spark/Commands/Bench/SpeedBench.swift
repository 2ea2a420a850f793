import Generation

/// Times prefill, decode and verification on several engines, beside the machine's limits.
///
/// Each round times every test of every engine once, and the limits, so that what else the machine does meets all
/// alike. The first round warms up and is not counted.
struct SpeedBench {
  var plan: SpeedPlan
  var repetitions: Int
  var measuresLimits: Bool

  /// The machine's limits in one round: bytes and operations a second.
  struct Limits {
    var read: Double
    var peaks: [Peak: Double]
  }

  /// What the rounds have given for one test.
  struct Samples {
    var seconds: [Double] = []
    var firstToken: [Double] = []
    /// Joules; fewer than rounds where the machine does not tell.
    var joules: [Double] = []
  }

  /// An engine's results.
  struct Result {
    var setup: SpeedSetup
    var threads: Int
    var instructionSet: InstructionSet
    var tests: [(test: SpeedPlan.Test, samples: Samples)]
    /// Round by round, for each number of threads.
    var limits: [Int: [Limits]]
  }

  /// Measures groups of engines that fit into memory together.
  func run(_ setups: [SpeedSetup], tell: ([Result]) throws -> Void) async throws {
    let files = SystemFiles()
    for group in Self.groups(setups, room: (MachineSnapshot(files).memoryLeft ?? .max) / 2) {
      try tell(try await measure(group, files))
    }
  }

  /// Neighbours whose memory together is at most `room`; each group has at least one.
  private static func groups(_ setups: [SpeedSetup], room: Int) -> [[SpeedSetup]] {
    var groups: [[SpeedSetup]] = []
    var left = 0
    for setup in setups {
      if groups.isEmpty || setup.byteCount > left {
        groups.append([])
        left = room
      }
      groups[groups.count - 1].append(setup)
      left -= min(left, setup.byteCount)
    }
    return groups
  }

  private func measure(_ setups: [SpeedSetup], _ files: SystemFiles) async throws -> [Result] {
    let engines = try setups.map { try Engine(path: $0.model.path, options: $0.options) }
    engines.first { !$0.notices.isEmpty }?.tellNotices()
    var results = zip(setups, engines).map { setup, engine in
      Result(
        setup: setup, threads: engine.threads, instructionSet: engine.instructionSet,
        tests: plan.tests(threads: engine.threads).map { ($0, Samples()) }, limits: [:])
    }
    let limits = measuresLimits ? try Self.limits(of: engines) : nil
    let counts = Set(results.flatMap { $0.tests.map(\.test.threads) })
    let bar = ProgressBar(
      total: results.reduce(0) { $0 + $1.tests.count } * (repetitions + 1))
    defer { bar.clear() }
    var rounds: [Int: [Limits]] = [:]
    for round in 0...repetitions {
      if let limits {
        for count in counts {
          let now = Self.measure(limits, threads: count)
          if round > 0 { rounds[count, default: []].append(now) }
        }
      }
      for (index, engine) in engines.enumerated() {
        for place in results[index].tests.indices {
          let test = results[index].tests[place].test
          let meter = EnergyMeter(files)
          let times = try await engine.time(
            test.work, behind: test.depth, threads: test.threads)
          let joules = meter.joules
          bar.advance(results[index].setup.model.name)
          guard round > 0 else { continue }
          results[index].tests[place].samples.seconds.append(times.duration.seconds)
          if let first = times.firstToken {
            results[index].tests[place].samples.firstToken.append(first.seconds)
          }
          if let joules { results[index].tests[place].samples.joules.append(joules) }
        }
      }
    }
    for index in results.indices { results[index].limits = rounds }
    return results
  }

  /// Reads more than caches hold, where memory allows.
  private static func limits(of engines: [Engine]) throws -> MachineLimits {
    let left = MachineSnapshot(SystemFiles()).memoryLeft ?? 1 << 30
    return try MachineLimits(
      threads: engines.map(\.threads).max() ?? 1,
      instructionSet: engines.first?.instructionSet ?? .best,
      byteCount: max(64 << 20, min(1 << 30, left / 4)))
  }

  private static func measure(_ limits: MachineLimits, threads: Int) -> Limits {
    Limits(
      read: limits.readRate(threads: threads),
      peaks: Dictionary(
        uniqueKeysWithValues: limits.peaks.map {
          ($0, limits.productRate($0, threads: threads))
        }))
  }
}
