/// A run of the governor against the simulated plant, through files that the real probes read, one
/// sample for each simulated second.
package struct PlantRun: Sendable {
  /// What is done to the machine while it runs.
  package struct Scenario: Sendable {
    package var shape = ThermalPlant.Shape()
    package var seconds = 7200
    package var options = ThermalOptions()
    package var processors = 8
    package var seed: UInt64 = 1
    /// Degrees around the machine at a time.
    package var ambient: @Sendable (_ second: Int) -> Double
    /// What becomes of the sensor's reading.
    package var sensor: @Sendable (_ second: Int, _ celsius: Double) -> PlantFiles.Sensor

    package init(
      ambient: @escaping @Sendable (_ second: Int) -> Double,
      sensor: @escaping @Sendable (_ second: Int, _ celsius: Double) -> PlantFiles.Sensor = {
        .celsius($1)
      }
    ) {
      self.ambient = ambient
      self.sensor = sensor
    }
  }

  package struct Point: Sendable {
    package var second: Int
    package var celsius: Double
    package var ambient: Double
    package var decision: GovernorDecision
  }

  package private(set) var points: [Point] = []
  package private(set) var changes: [GovernorChange] = []
  package private(set) var tokens = 0.0
  package private(set) var throttleCount = 0

  package var hottest: Double { points.map(\.celsius).max() ?? 0 }

  /// - Parameter root: an empty folder for the simulated machine's files.
  package init(_ scenario: Scenario, root: String) throws(HardwareError) {
    let shape = scenario.shape
    var plant = ThermalPlant(shape: shape, ambient: scenario.ambient(0))
    let tree = try PlantFiles(root: root, shape: shape, processors: scenario.processors)
    let files = SystemFiles(root: root)
    let sensors = SensorReader(files, of: MachineSnapshot(files))
    var governor = Governor(
      maxWidth: shape.maxWidth, maxThreads: scenario.processors, options: scenario.options)
    var noise = Noise(state: scenario.seed)
    var decision = governor.decision
    for second in 0..<scenario.seconds {
      let ambient = scenario.ambient(second)
      let cost = plant.run(
        width: Double(decision.width), pause: decision.pause, ambient: ambient, seconds: 1)
      let shown = plant.sensed + noise.next() * shape.sensorNoise
      try tree.update(
        sensor: scenario.sensor(second, shown), throttleCount: plant.throttleCount,
        speed: plant.isThrottled ? shape.throttledSpeed : 1, processors: scenario.processors)
      let before = decision
      decision = governor.decide(
        Sample(
          time: Double(second), reading: sensors.read(), busy: 1 - decision.pause, unitCost: cost))
      if decision.reason != .steady {
        changes.append(GovernorChange(time: Double(second), from: before, to: decision))
      }
      points.append(
        Point(second: second, celsius: plant.celsius, ambient: ambient, decision: decision))
    }
    tokens = plant.tokens
    throttleCount = plant.throttleCount
  }

  /// Tokens of a run at full width whose only protection is the hardware's.
  package static func ungoverned(_ scenario: Scenario) -> Double {
    var plant = ThermalPlant(shape: scenario.shape, ambient: scenario.ambient(0))
    for second in 0..<scenario.seconds {
      plant.run(
        width: Double(scenario.shape.maxWidth), pause: 0, ambient: scenario.ambient(second),
        seconds: 1)
    }
    return plant.tokens
  }

  /// Tokens of a run that knows the plant: at full width until the trip point is reached, then at
  /// whatever fraction of a width keeps it exactly there.
  package static func oracle(_ scenario: Scenario) -> Double {
    let shape = scenario.shape
    var plant = ThermalPlant(shape: shape, ambient: scenario.ambient(0))
    for second in 0..<scenario.seconds {
      let ambient = scenario.ambient(second)
      // The width with which this second ends at the trip point.
      let allowed =
        shape.conductance * (plant.celsius - ambient)
        + shape.capacity * (shape.trip - 0.001 - plant.celsius)
      let width = (allowed - shape.idlePower) / shape.widthPower
      plant.run(
        width: max(0, min(Double(shape.maxWidth), width)), pause: 0, ambient: ambient, seconds: 1)
    }
    return plant.tokens
  }
}

/// Normal noise of spread 1, nearly: the sum of twelve uniform numbers (SplitMix64), less six.
private struct Noise {
  var state: UInt64

  mutating func next() -> Double {
    var sum = -6.0
    for _ in 0..<12 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      sum += Double((z ^ (z >> 31)) >> 11) / 9_007_199_254_740_992
    }
    return sum
  }
}
