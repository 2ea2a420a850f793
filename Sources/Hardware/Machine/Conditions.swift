/// How a machine feels at one moment.
package struct Conditions: Codable, Equatable, Sendable {
  package var limits: ControlGroup
  package var memory: Memory
  package var pressure: Pressure
  package var load: LoadAverage?
  package var frequencies: [Frequency]
  package var temperatures: [Temperature]
  package var throttling: ThrottleCounts
  package var energy: [EnergyCounter]
  package var power: PowerSupply

  init(_ files: SystemFiles, of machine: Machine) {
    limits = ControlGroup(files)
    memory = Memory(files)
    pressure = Pressure(files)
    load = LoadAverage(files)
    frequencies = machine.usable.compactMap { Frequency(files, processor: $0.id) }
    temperatures = Temperature.zones(files) + Temperature.monitors(files)
    throttling = ThrottleCounts(files, processors: machine.usableCores)
    energy = EnergyCounter.all(files)
    power = PowerSupply(files)
  }
}
