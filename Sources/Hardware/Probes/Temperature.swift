/// A temperature sensor: a thermal zone or an input of a hardware monitor. Degrees Celsius; nil where
/// unknown.
package struct Temperature: Codable, Equatable, Sendable {
  /// What it measures, in the driver's words.
  package var name: String
  package var celsius: Double?
  /// Where the hardware protects itself or stops.
  package var critical: Double?
  /// Where the system begins to slow the processor.
  package var passive: Double?
  package var place: Place
  /// The file with the reading, below the root.
  package var path: String

  package enum Place: String, Codable, Sendable { case processor, board, elsewhere }

  /// Sensors read exactly 0, 127 or 255 when they are not there, and a processor at work is above
  /// freezing point; so what lies outside is not a temperature.
  static let plausible = 1000...126_000

  /// The file's millidegrees.
  static func celsius(_ files: SystemFiles, _ path: String) -> Double? {
    files.integer(path, in: plausible).map { Double($0) / 1000 }
  }

  /// A limit below this is a fan's or a test's, not one that slows a processor.
  private static let lowestLimit = 50_000

  static func limit(_ files: SystemFiles, _ path: String) -> Double? {
    files.integer(path, in: lowestLimit...plausible.upperBound).map { Double($0) / 1000 }
  }

  // MARK: - Thermal zones (Documentation/ABI/testing/sysfs-class-thermal)

  static func zones(_ files: SystemFiles) -> [Temperature] {
    let folder = "sys/class/thermal"
    return files.numbers(of: "thermal_zone", in: folder).prefix(256).map { number in
      let zone = "\(folder)/thermal_zone\(number)"
      let type = files.text(zone + "/type").flatMap(name)
      var temperature = Temperature(
        name: type ?? "thermal_zone\(number)", celsius: celsius(files, zone + "/temp"),
        critical: nil, passive: nil, place: type.map(placeOfZone) ?? .elsewhere,
        path: zone + "/temp")
      for trip in 0..<16 {
        guard let kind = files.text("\(zone)/trip_point_\(trip)_type") else { break }
        let limit = limit(files, "\(zone)/trip_point_\(trip)_temp")
        switch kind {
        case "critical", "hot": temperature.critical = least(temperature.critical, limit)
        case "passive": temperature.passive = least(temperature.passive, limit)
        default: continue
        }
      }
      return temperature
    }
  }

  private static func placeOfZone(_ type: String) -> Place {
    let name = type.lowercased()
    // Intel's package sensors, and the names that ARM device trees give.
    if name == "x86_pkg_temp" || name == "tcpu" || name == "b0d4" || name.hasPrefix("cpu")
      || name.hasPrefix("soc") || name.contains("core") || name == "package-thermal"
      || name == "center-thermal"
    {
      return .processor
    }
    return name == "acpitz" ? .board : .elsewhere
  }

  // MARK: - Hardware monitors (Documentation/hwmon/sysfs-interface.rst)

  static func monitors(_ files: SystemFiles) -> [Temperature] {
    let folder = "sys/class/hwmon"
    return files.numbers(of: "hwmon", in: folder).prefix(256).flatMap { number in
      let monitor = "\(folder)/hwmon\(number)"
      let driver = files.text(monitor + "/name").flatMap(name) ?? "hwmon\(number)"
      return inputs(files, monitor).map { input in
        let stem = "\(monitor)/temp\(input)_"
        let label = files.text(stem + "label").flatMap(name)
        let isProcessor = [
          "coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal", "cpu0_thermal",
        ].contains(driver)
        return Temperature(
          name: label.map { "\(driver) \($0)" } ?? driver,
          celsius: celsius(files, stem + "input"), critical: limit(files, stem + "crit"),
          // `max` is where fans should be at their fastest; the processor is not slowed there.
          passive: nil,
          place: isProcessor ? .processor : driver == "acpitz" ? .board : .elsewhere,
          path: stem + "input")
      }
    }
  }

  private static func inputs(_ files: SystemFiles, _ monitor: String) -> [Int] {
    files.names(in: monitor).compactMap { name in
      guard name.hasPrefix("temp"), name.hasSuffix("_input") else { return nil }
      return Int(name.dropFirst(4).dropLast(6))
    }.filter { (0...999).contains($0) }.sorted()
  }

  /// A driver's name, if it is one word or a few of plain characters.
  private static func name(_ text: String) -> String? {
    let isPlain = text.unicodeScalars.allSatisfy { (0x20...0x7e).contains($0.value) }
    return isPlain && text.utf8.count <= 64 ? text : nil
  }

  private static func least(_ one: Double?, _ other: Double?) -> Double? {
    [one, other].compactMap(\.self).min()
  }
}
