/// A processor's clock in megahertz, from cpufreq; nil where unknown.
package struct Frequency: Codable, Equatable, Sendable {
  package var processor: Int
  package var current: Double?
  /// What the hardware can do, alone and cool.
  package var maximum: Double?
  /// What it may be asked for now, by the user or by firmware.
  package var ceiling: Double?
  /// What its maker promises under full load.
  package var base: Double?
  package var driver: String?
  package var policy: String?

  static let folder = "sys/devices/system/cpu"

  init?(_ files: SystemFiles, processor: Int) {
    let path = "\(Self.folder)/cpu\(processor)/cpufreq/"
    self.processor = processor
    current = Self.megahertz(files, path + "scaling_cur_freq")
    maximum = Self.megahertz(files, path + "cpuinfo_max_freq")
    ceiling = Self.megahertz(files, path + "scaling_max_freq")
    base = Self.megahertz(files, path + "base_frequency")
    driver = files.text(path + "scaling_driver").flatMap(Self.word)
    policy = files.text(path + "scaling_governor").flatMap(Self.word)
    guard current != nil || maximum != nil || ceiling != nil || base != nil else { return nil }
  }

  /// The clock below which a busy processor is being held back: four fifths of what it should reach
  /// with all cores at work. Without a base frequency that is the maximum, or the ceiling below it.
  package var expected: Double? {
    let highest = [maximum, ceiling].compactMap(\.self).min()
    return [base, highest].compactMap(\.self).min()
  }

  /// The files are in kilohertz; below 50 MHz or above 10 GHz is a mistake.
  static func megahertz(_ files: SystemFiles, _ path: String) -> Double? {
    files.integer(path, in: 50_000...10_000_000).map { Double($0) / 1000 }
  }

  private static func word(_ text: String) -> String? {
    text.utf8.count <= 32 && !text.contains(where: \.isWhitespace) ? text : nil
  }
}
