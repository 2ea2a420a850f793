/// A running count of energy in joules (RAPL; Documentation/power/powercap/powercap.rst). Most
/// systems let only root read it; nil then.
package struct EnergyCounter: Codable, Equatable, Sendable {
  package var name: String
  package var joules: Double?
  /// Where the count begins again from 0.
  package var range: Double?

  static func all(_ files: SystemFiles) -> [EnergyCounter] {
    let folder = "sys/class/powercap"
    let zones = files.names(in: folder).filter {
      $0.hasPrefix("intel-rapl:") && $0.utf8.filter { $0 == 58 }.count == 1
    }
    return zones.prefix(64).compactMap { zone in
      let path = "\(folder)/\(zone)/"
      guard let name = files.text(path + "name"), name.utf8.count <= 32 else { return nil }
      func joules(_ file: String) -> Double? {
        files.integer(path + file, in: 0...Int.max).map { Double($0) / 1e6 }
      }
      return EnergyCounter(
        name: name, joules: joules("energy_uj"), range: joules("max_energy_range_uj"))
    }
  }
}
