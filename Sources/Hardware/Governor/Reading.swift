/// What the machine's files said at one moment; nil is unknown, which is never taken for good.
package struct Reading: Sendable, Equatable, Codable {
  /// The sensor nearest its limit, in degrees Celsius.
  package var temperature: Double?
  /// Where that sensor's hardware protects itself.
  package var limit: Double?
  package var sensor: String?
  /// How often the hardware has slowed itself down since it was started.
  package var throttleCount: Int?
  /// Mean clock of the processors in use, in megahertz.
  package var frequency: Double?
  /// That clock over the one expected of a busy processor.
  package var frequencyShare: Double?
  /// Share of this process's memory that is left, 0 to 1.
  package var memoryLeft: Double?
  /// Percent of the last ten seconds in which some task waited for memory.
  package var memoryPressure: Double?
  /// Percent of the last ten seconds in which some task waited for a processor.
  package var processorPressure: Double?
  package var load: Double?

  package init(
    temperature: Double? = nil, limit: Double? = nil, sensor: String? = nil,
    throttleCount: Int? = nil, frequency: Double? = nil, frequencyShare: Double? = nil,
    memoryLeft: Double? = nil, memoryPressure: Double? = nil, processorPressure: Double? = nil,
    load: Double? = nil
  ) {
    self.temperature = temperature
    self.limit = limit
    self.sensor = sensor
    self.throttleCount = throttleCount
    self.frequency = frequency
    self.frequencyShare = frequencyShare
    self.memoryLeft = memoryLeft
    self.memoryPressure = memoryPressure
    self.processorPressure = processorPressure
    self.load = load
  }
}

/// A reading, and how the work went since the one before.
package struct Sample: Sendable, Equatable {
  /// Seconds on a clock that never goes back.
  package var time: Double
  package var reading: Reading
  /// Share of the time since the last sample that was spent computing, 0 to 1; nil where unknown.
  package var busy: Double?
  /// Seconds that a unit of work of fixed cost took at the present width; nil when none was done.
  package var unitCost: Double?

  package init(time: Double, reading: Reading, busy: Double? = nil, unitCost: Double? = nil) {
    self.time = time
    self.reading = reading
    self.busy = busy
    self.unitCost = unitCost
  }
}
