import Foundation
import Hardware
import Testing

@Suite("Energy since a moment")
struct EnergyMeterTests {
  /// Writes a zone's counter, in microjoules.
  private func write(
    _ zone: String, name: String, _ microjoules: Int, range: Int? = nil, in root: String
  ) throws {
    let folder = "\(root)/sys/class/powercap/\(zone)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("\(name)\n".utf8).write(to: URL(filePath: "\(folder)/name"))
    try Data("\(microjoules)\n".utf8).write(to: URL(filePath: "\(folder)/energy_uj"))
    if let range {
      try Data("\(range)\n".utf8).write(to: URL(filePath: "\(folder)/max_energy_range_uj"))
    }
  }

  @Test("Packages are added up, what is a part of them or of all is not")
  func packages() throws {
    try withTemporaryFolder { root in
      try write("intel-rapl:0", name: "package-0", 1_000_000, in: root)
      try write("intel-rapl:1", name: "package-1", 5_000_000, in: root)
      try write("intel-rapl:0:0", name: "core", 100, in: root)
      try write("intel-rapl:2", name: "psys", 100, in: root)
      let meter = EnergyMeter(SystemFiles(root: root))
      #expect(meter.joules == 0)
      try write("intel-rapl:0", name: "package-0", 3_500_000, in: root)
      try write("intel-rapl:1", name: "package-1", 6_000_000, in: root)
      try write("intel-rapl:2", name: "psys", 9_000_000, in: root)
      #expect(meter.joules == 3.5)
    }
  }

  @Test("A counter that has begun again goes on from its end")
  func wrapping() throws {
    try withTemporaryFolder { root in
      try write("intel-rapl:0", name: "package-0", 9_000_000, range: 10_000_000, in: root)
      let meter = EnergyMeter(SystemFiles(root: root))
      try write("intel-rapl:0", name: "package-0", 500_000, range: 10_000_000, in: root)
      #expect(meter.joules == 1.5)
      try FileManager.default.removeItem(
        atPath: "\(root)/sys/class/powercap/intel-rapl:0/max_energy_range_uj")
      #expect(meter.joules == nil)
    }
  }

  @Test("Where nothing can be read nothing is known")
  func unknown() throws {
    try withTemporaryFolder { root in
      #expect(EnergyMeter(SystemFiles(root: root)).joules == nil)
      try write("intel-rapl:0", name: "package-0", 1, in: root)
      let meter = EnergyMeter(SystemFiles(root: root))
      try FileManager.default.removeItem(
        atPath: "\(root)/sys/class/powercap/intel-rapl:0/energy_uj")
      #expect(meter.joules == nil)
    }
  }
}
