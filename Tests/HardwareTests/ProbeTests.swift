import Hardware
import Testing

@Suite("What the probes say of captured machines")
struct ProbeTests {
  @Test("Intel laptop: two kinds of cores, a sensor with a limit, on battery")
  func intelLaptop() throws {
    let snapshot = try Fixture.intelLaptop.snapshot()
    let (machine, conditions) = (snapshot.machine, snapshot.conditions)
    #expect(machine.model.name == "12th Gen Intel(R) Core(TM) i7-1260P")
    #expect(machine.model.extensions == ["avx2", "fma", "f16c", "avx_vnni"])
    #expect(!machine.model.isVirtual)
    #expect(machine.topology.cores == 12)
    #expect(machine.topology.performanceCores == 4)
    #expect(machine.topology.efficiencyCores == 8)
    #expect(machine.topology.packages == 1)
    // 12 of each first-level kind, 4 + 2 of the second, 1 of the third.
    #expect(machine.caches.map(\.level).filter { $0 == 1 }.count == 24)
    #expect(
      machine.caches.filter { $0.level == 2 }.map(\.bytes).reduce(0, +) == (4 * 1280 + 2 * 2048)
        << 10)
    #expect(machine.caches.last?.bytes == 18 << 20)
    #expect(machine.caches.last?.processors.count == 16)
    #expect(
      snapshot.watched.map(\.sensor.name) == [
        "x86_pkg_temp", "coretemp Package id 0", "coretemp Core 0",
      ])
    #expect(snapshot.watched.map(\.limit) == [100, 100, 100])
    #expect(conditions.temperatures.first { $0.name == "iwlwifi_1" }?.celsius == nil)
    #expect(conditions.temperatures.first { $0.name == "nvme Composite" }?.place == .elsewhere)
    // Three for each of twelve cores; the package once.
    #expect(conditions.throttling.core == 36)
    #expect(conditions.throttling.package == 41)
    #expect(conditions.frequencies.count == 16)
    #expect(conditions.frequencies[0].current == 2400)
    #expect(conditions.frequencies[0].expected == 2100)
    #expect(conditions.power.isOnBattery == true)
    #expect(conditions.power.charge == 73)
    #expect(conditions.energy.map(\.name) == ["package-0"])
    #expect(conditions.energy[0].joules == nil)
    #expect(conditions.memory.total == 16_077_216 << 10)
    #expect(conditions.memory.swapTotal == 8_388_604 << 10)
    #expect(conditions.pressure.processor?.some10 == 1.5)
    #expect(conditions.load?.one == 1.52)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 4)
    #expect(advice.placement == [0, 2, 4, 6])
    #expect(advice.batchWidth == 16)
    #expect(advice.caches.exact == 512 << 20)
    #expect(advice.caches.packed == 2 << 30)
  }

  @Test("AMD desktop: hardware threads counted once, a limit assumed, energy known")
  func amdDesktop() throws {
    let snapshot = try Fixture.amdDesktop.snapshot()
    #expect(snapshot.machine.usable.count == 16)
    #expect(snapshot.machine.topology.cores == 8)
    #expect(snapshot.machine.topology.efficiencyCores == 0)
    #expect(snapshot.watched.map(\.limit) == [95, 95])
    #expect(snapshot.watched[0].sensor.celsius == 72.375)
    #expect(snapshot.conditions.frequencies[3].expected == 3400)
    #expect(snapshot.conditions.energy[0].joules == 61215)
    #expect(snapshot.conditions.throttling == ThrottleCounts())
    #expect(snapshot.conditions.power.isOnBattery == nil)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 8)
    #expect(advice.placement == Array(0..<8))
    #expect(advice.batchWidth == 32)
  }

  @Test("Intel server: two packages, memory nodes, version 1 control groups")
  func intelServer() throws {
    let snapshot = try Fixture.intelServer.snapshot()
    #expect(snapshot.machine.topology.packages == 2)
    #expect(snapshot.machine.topology.cores == 8)
    #expect(snapshot.machine.nodes.map(\.id) == [0, 1])
    #expect(snapshot.machine.nodes[1].processors == [1, 3, 5, 7, 9, 11, 13, 15])
    #expect(snapshot.machine.nodes[0].distances == [10, 21])
    #expect(snapshot.machine.nodes[0].bytes == 98_566_144 << 10)
    #expect(snapshot.machine.caches.filter { $0.level == 3 }.count == 2)
    let limits = snapshot.conditions.limits
    #expect(limits.processorQuota == nil)
    #expect(limits.memoryLimit == 32 << 30)
    #expect(limits.memoryUsed == 8 << 30)
    #expect(limits.memoryLeft == 24 << 30)
    #expect(snapshot.memoryBytes == 32 << 30)
    #expect(snapshot.conditions.throttling.core == 0)
    #expect(snapshot.conditions.throttling.package == 7)
    #expect(snapshot.conditions.pressure.memory == nil)
    #expect(snapshot.watched.map(\.limit) == [101, 101])
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 4)
    #expect(advice.placement == [0, 2, 4, 6])
  }

  @Test("ARM board: fast and slow cores by capacity, passive trip points")
  func armBoard() throws {
    let snapshot = try Fixture.armBoard.snapshot()
    #expect(snapshot.machine.model.name == "Cortex-A55 and Cortex-A76")
    #expect(snapshot.machine.topology.performanceCores == 4)
    #expect(snapshot.machine.topology.efficiencyCores == 4)
    #expect(snapshot.machine.caches.isEmpty)
    #expect(
      snapshot.watched.map(\.sensor.name) == [
        "soc-thermal", "bigcore0-thermal", "littlecore-thermal",
      ])
    // Six degrees above the lower passive point.
    #expect(snapshot.watched[0].limit == 81)
    #expect(snapshot.conditions.temperatures[0].critical == 115)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 4)
    #expect(advice.placement == [6, 7, 4, 5])
    #expect(advice.batchWidth == 16)
  }

  @Test("Raspberry Pi: the firmware's limit and what it says")
  func raspberryPi() throws {
    let snapshot = try Fixture.raspberryPi.snapshot()
    #expect(snapshot.machine.model.board == "Raspberry Pi 5 Model B Rev 1.0")
    #expect(snapshot.watched.map(\.limit) == [86])
    #expect(snapshot.conditions.throttling.firmwareIsThrottling == true)
    #expect(snapshot.conditions.frequencies[0].expected == 2400)
    #expect(Recommendation(for: snapshot).threads == 4)
  }

  @Test("Cloud machine: no sensor is unknown, and all of it is used")
  func cloudVM() throws {
    let snapshot = try Fixture.cloudVM.snapshot()
    #expect(snapshot.machine.model.isVirtual)
    #expect(snapshot.watched.isEmpty)
    #expect(snapshot.conditions.temperatures.isEmpty)
    #expect(snapshot.conditions.frequencies.isEmpty)
    #expect(snapshot.conditions.throttling == ThrottleCounts())
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 2)
    #expect(advice.batchWidth == 32)
    let reading = SensorReader(try Fixture.cloudVM.files(), of: snapshot).read()
    #expect(reading.temperature == nil)
    #expect(reading.throttleCount == nil)
    #expect(reading.processorPressure == 18.89)
  }

  @Test("Container: the least of all limits above it")
  func container() throws {
    let snapshot = try Fixture.container.snapshot()
    #expect(snapshot.machine.usable.map(\.id) == Array(0..<6))
    let limits = snapshot.conditions.limits
    #expect(limits.processorQuota == 1.5)
    #expect(limits.memoryLimit == 2 << 30)
    #expect(limits.memoryHigh == 1536 << 20)
    #expect(limits.memoryUsed == 768 << 20)
    #expect(limits.memoryLeft == 768 << 20)
    #expect(limits.memoryBound == 1536 << 20)
    let advice = Recommendation(for: snapshot)
    #expect(advice.threads == 2)
    #expect(advice.batchWidth == 6)
    #expect(advice.caches.exact == 48 << 20)
    #expect(advice.caches.packed == 192 << 20)
    let reading = SensorReader(try Fixture.container.files(), of: snapshot).read()
    #expect(reading.memoryLeft == 0.5)
    #expect(reading.memoryPressure == 12.5)
  }

  @Test("Hostile tree: all is unknown, one processor remains")
  func hostile() throws {
    let snapshot = try Fixture.hostile.snapshot()
    #expect(snapshot.watched.isEmpty)
    #expect(snapshot.conditions.temperatures.allSatisfy { $0.celsius == nil && $0.critical == nil })
    #expect(snapshot.conditions.frequencies.isEmpty)
    #expect(snapshot.conditions.throttling == ThrottleCounts())
    #expect(snapshot.conditions.memory.total == nil)
    #expect(snapshot.conditions.memory.available == nil)
    #expect(snapshot.conditions.pressure.memory == nil)
    #expect(snapshot.conditions.pressure.processor == nil)
    #expect(snapshot.conditions.load == nil)
    #expect(snapshot.conditions.energy[0].joules == nil)
    #expect(snapshot.conditions.power.isOnBattery == nil)
    #expect(snapshot.conditions.power.charge == nil)
    #expect(snapshot.conditions.limits == ControlGroup())
    #expect(snapshot.machine.caches.isEmpty)
    #expect(snapshot.machine.nodes[0].processors.isEmpty)
    #expect(snapshot.machine.model.name == nil)
    #expect(Recommendation(for: snapshot).threads == 1)
  }

  @Test("An empty root is a machine of one processor about which nothing is known")
  func empty() throws {
    let snapshot = MachineSnapshot(SystemFiles(CapturedTree()))
    #expect(snapshot.machine.usable.count == 1)
    #expect(snapshot.memoryBytes == nil)
    #expect(Recommendation(for: snapshot).threads == 1)
  }
}
