import Hardware
import Testing

@Suite("The governor on a simulated plant")
struct PlantTests {
  private func run(_ scenario: PlantRun.Scenario) throws -> PlantRun {
    try withTemporaryFolder { try PlantRun(scenario, root: $0) }
  }

  /// The times at which the width turned from rising to falling or back.
  private func reversals(_ run: PlantRun) -> [Int] {
    var times: [Int] = []
    var (width, direction) = (run.points[0].decision.width, 0)
    for point in run.points where point.decision.width != width {
      let next = point.decision.width > width ? 1 : -1
      if direction != 0, next != direction { times.append(point.second) }
      (width, direction) = (point.decision.width, next)
    }
    return times
  }

  @Test(
    "Two hours stay below the trip point, turn rarely, and get nine tenths of what can be had",
    arguments: [10.0, 20, 28, 36, 44], [UInt64(1), 2])
  func twoHours(ambient: Double, seed: UInt64) throws {
    var scenario = PlantRun.Scenario(ambient: { _ in ambient })
    scenario.seed = seed
    let run = try run(scenario)
    let (oracle, ungoverned) = (PlantRun.oracle(scenario), PlantRun.ungoverned(scenario))
    #expect(run.hottest < scenario.shape.trip)
    #expect(run.throttleCount == 0)
    for (early, late) in zip(reversals(run), reversals(run).dropFirst()) {
      #expect(Double(late - early) >= scenario.options.cooldown)
    }
    #expect(run.tokens >= 0.9 * oracle)
    #expect(run.tokens >= ungoverned)
    print(
      "ambient \(ambient): hottest \(run.hottest), \(run.tokens / oracle) of the oracle, "
        + "\(run.tokens / ungoverned) of ungoverned, \(run.changes.count) changes, "
        + "\(reversals(run).count) reversals")
  }
}
