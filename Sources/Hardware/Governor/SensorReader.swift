/// Reads again and again the few files that a governor goes by, keeping them open.
///
/// It looks at no more than a few sensors and processors: some machines have hundreds, and asking a
/// sleeping one for its clock can wake it.
package struct SensorReader: Sendable {
  private static let mostSensors = 8
  private static let mostProcessors = 4

  private let files: SystemFiles
  private let sensors: [(name: String, path: String, limit: Double)]
  private let processors: [Topology.Processor]
  private let expectedFrequency: Double?
  private let limits: ControlGroup
  private let memoryPressurePath: String

  package init(_ files: SystemFiles, of snapshot: MachineSnapshot) {
    self.files = files.keepingOpen()
    sensors = snapshot.watched
      .sorted { $0.limit - ($0.sensor.celsius ?? 0) < $1.limit - ($1.sensor.celsius ?? 0) }
      .prefix(Self.mostSensors).map { ($0.sensor.name, $0.sensor.path, $0.limit) }
    processors = Array(snapshot.machine.usableCores.prefix(Self.mostProcessors))
    let clocks = snapshot.conditions.frequencies
    let expected = processors.compactMap { processor in
      clocks.first { $0.processor == processor.id }?.expected
    }
    expectedFrequency = expected.isEmpty ? nil : expected.reduce(0, +) / Double(expected.count)
    limits = snapshot.conditions.limits
    memoryPressurePath =
      limits.pressureFolder.map { $0 + "/memory.pressure" } ?? "proc/pressure/memory"
  }

  package func read() -> Reading {
    var reading = Reading()
    for sensor in sensors {
      guard let celsius = Temperature.celsius(files, sensor.path) else { continue }
      if let nearest = reading.temperature, let limit = reading.limit,
        limit - nearest <= sensor.limit - celsius
      {
        continue
      }
      reading.temperature = celsius
      reading.limit = sensor.limit
      reading.sensor = sensor.name
    }
    let clocks = processors.compactMap {
      Frequency.megahertz(files, "\(Frequency.folder)/cpu\($0.id)/cpufreq/scaling_cur_freq")
    }
    if !clocks.isEmpty {
      reading.frequency = clocks.reduce(0, +) / Double(clocks.count)
      reading.frequencyShare = expectedFrequency.map { reading.frequency! / $0 }
    }
    let throttling = ThrottleCounts(files, processors: processors)
    if throttling.core != nil || throttling.package != nil {
      reading.throttleCount = (throttling.core ?? 0) + (throttling.package ?? 0)
    }
    reading.memoryLeft = memoryLeft()
    reading.memoryPressure = Pressure.Stall(files.text(memoryPressurePath))?.some10
    reading.processorPressure = Pressure.Stall(files.text("proc/pressure/cpu"))?.some10
    reading.load = LoadAverage(files)?.one
    return reading
  }

  /// The smaller share of what the system and the control group have left.
  private func memoryLeft() -> Double? {
    let memory = Memory(files)
    var shares: [Double] = []
    if let total = memory.total, let available = memory.available {
      shares.append(Double(available) / Double(total))
    }
    if limits.memoryBound != nil {
      let group = ControlGroup(files)
      if let left = group.memoryLeft, let bound = group.memoryBound, bound > 0 {
        shares.append(Double(left) / Double(bound))
      }
    }
    return shares.min()
  }
}
