/// Where the power comes from (Documentation/ABI/testing/sysfs-class-power); nil where unknown.
package struct PowerSupply: Codable, Equatable, Sendable {
  /// Whether the machine runs on its battery now.
  package var isOnBattery: Bool?
  /// The battery's charge in percent.
  package var charge: Int?

  init(_ files: SystemFiles) {
    let folder = "sys/class/power_supply"
    var mains: Bool?
    var isDischarging: Bool?
    for name in files.names(in: folder).prefix(64) {
      let path = "\(folder)/\(name)/"
      // Mice and keyboards have batteries too.
      guard files.text(path + "scope") != "Device" else { continue }
      switch files.text(path + "type") {
      case "Mains", "USB":
        if let online = files.integer(path + "online", in: 0...1) {
          mains = (mains ?? false) || online == 1
        }
      case "Battery":
        guard files.integer(path + "present", in: 0...1) != 0 else { continue }
        if let status = files.text(path + "status"), status != "Unknown" {
          isDischarging = (isDischarging ?? false) || status == "Discharging"
        }
        if let capacity = files.integer(path + "capacity", in: 0...100) {
          charge = min(charge ?? 100, capacity)
        }
      default: continue
      }
    }
    if let isDischarging {
      isOnBattery = isDischarging && mains != true
    } else if let mains, charge != nil {
      isOnBattery = !mains
    } else if mains == true {
      isOnBattery = false
    }
  }
}
