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
    arguments: [10.0, 18, 25, 32, 40], [UInt64(1), 2])
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
  }
}

extension PlantTests {
  /// The plant with weather and sensors of all kinds.
  @Test("A ramp and a step of the surroundings pass without a trip")
  func weather() throws {
    for ambient: @Sendable (Int) -> Double in [
      { 15 + Double($0) / 7200 * 30 }, { $0 < 3600 ? 18 : 38 }, { $0 < 3600 ? 38 : 18 },
    ] {
      let scenario = PlantRun.Scenario(ambient: ambient)
      let run = try run(scenario)
      #expect(run.hottest < scenario.shape.trip)
      #expect(run.tokens >= PlantRun.ungoverned(scenario))
    }
  }

  @Test("Noise of two degrees and a lag of ten seconds pass without a trip")
  func roughSensor() throws {
    var scenario = PlantRun.Scenario(ambient: { _ in 25 })
    scenario.shape.sensorNoise = 2
    scenario.shape.sensorLag = 10
    let run = try run(scenario)
    #expect(run.hottest < scenario.shape.trip)
    #expect(run.tokens >= PlantRun.ungoverned(scenario))
  }

  @Test("With a sensor that is missing or stuck, throttling itself is what slows the run")
  func brokenSensor() throws {
    for sensor: @Sendable (Int, Double) -> PlantFiles.Sensor in [
      { _, _ in .missing }, { _, _ in .celsius(45) }, { _, _ in .text("255000") },
      { second, celsius in second < 300 ? .celsius(celsius) : .celsius(70) },
    ] {
      let scenario = PlantRun.Scenario(ambient: { _ in 25 }, sensor: sensor)
      let run = try run(scenario)
      #expect(run.tokens >= PlantRun.ungoverned(scenario))
      #expect(run.points.contains { $0.decision.width < scenario.shape.maxWidth })
    }
  }

  @Test("Every mode and a temperature of the user's own are kept", arguments: [10.0, 40])
  func modes(ambient: Double) throws {
    for (options, bound) in [
      (ThermalOptions(mode: .performance), 95.0), (ThermalOptions(mode: .efficiency), 90),
      (ThermalOptions(maxTemperature: 70), 70),
    ] {
      var scenario = PlantRun.Scenario(ambient: { _ in ambient })
      scenario.options = options
      #expect(try run(scenario).hottest < bound)
    }
  }
}
