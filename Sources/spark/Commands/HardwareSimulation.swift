import FoundationEssentials
import Glibc
import Hardware

/// `spark hardware --simulate`: the governor against a simulated machine.
struct HardwareSimulation {
  var ambient: Double
  var options: ThermalOptions

  /// Writes the picture, and the figures to standard error.
  func write(to path: String) async throws {
    let ambient = ambient
    var scenario = PlantRun.Scenario(ambient: { _ in ambient })
    scenario.options = options
    let run = try TemporaryFolder.with { root throws(HardwareError) in
      try PlantRun(scenario, root: root)
    }
    let kept = 100 * run.tokens / PlantRun.oracle(scenario)
    let gained = run.tokens / PlantRun.ungoverned(scenario)
    let plot = PlantPlot(
      run, shape: scenario.shape,
      title: "two simulated hours at \(ambient.inTenths) °C: \(kept.inTenths)% of what could be had"
    )
    try await OutputFile.write(path) { try $0.write(plot.description) }
    Output.error.tell(
      """
      spark: hottest \(run.hottest.inTenths) °C, the trip point is \(scenario.shape.trip.inTenths) °C; \
      throttled \(run.throttleCount) times
      spark: \(kept.inTenths)% of the tokens that perfect knowledge would give, \(gained.inTenths) \
      times those of a run without a governor
      spark: \(run.changes.count) changes

      """)
  }
}
