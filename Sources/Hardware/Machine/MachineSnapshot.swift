/// A machine and how it feels.
package struct MachineSnapshot: Codable, Equatable, Sendable {
  package var machine: Machine
  package var conditions: Conditions

  package init(_ files: SystemFiles) {
    machine = Machine(files)
    conditions = Conditions(files, of: machine)
  }

  /// Bytes this process may hold in all: the system's, or its control group's where that is less.
  package var memoryBytes: Int? {
    [conditions.memory.total, conditions.limits.memoryLimit, conditions.limits.memoryHigh]
      .compactMap(\.self).min()
  }

  /// Bytes that may still be taken before anyone is pushed out.
  package var memoryLeft: Int? {
    [conditions.memory.available, conditions.limits.memoryLeft].compactMap(\.self).min()
  }

  /// The sensors that speak for the processor: its own, or the board's where it has none. Each with
  /// the temperature that it should stay below.
  package var watched: [(sensor: Temperature, limit: Double)] {
    let known = conditions.temperatures.filter { $0.celsius != nil }
    var sensors = known.filter { $0.place == .processor }
    if sensors.isEmpty { sensors = known.filter { $0.place == .board && limit(of: $0) != nil } }
    // A sensor that names no limit sits beside one that does.
    let least = sensors.compactMap(limit).min()
    return sensors.map { ($0, limit(of: $0) ?? least ?? assumedLimit(of: $0)) }
  }

  /// Where the machine's own protection begins: the critical point, or six degrees above the point
  /// from which the system slows the processor, whichever is lower.
  private func limit(of sensor: Temperature) -> Double? {
    var limits = [sensor.critical, sensor.passive.map { $0 + 6 }].compactMap(\.self)
    // The firmware slows the clock from 80 °C, whatever the kernel's trip points
    // (raspberrypi.com, "Frequency management and thermal control").
    if machine.model.board?.hasPrefix("Raspberry Pi") == true { limits.append(86) }
    return limits.min()
  }

  /// AMD's monitors name no limit; 95 °C is where their processors begin to slow. Anything else
  /// unknown is taken to be more delicate.
  private func assumedLimit(of sensor: Temperature) -> Double {
    sensor.name.hasPrefix("k10temp") || sensor.name.hasPrefix("zenpower") ? 95 : 90
  }
}
