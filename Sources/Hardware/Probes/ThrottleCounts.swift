/// How often the hardware has slowed itself down because of heat, since it was started
/// (Documentation/admin-guide/thermal/intel_thermal_throttle.rst). Nil where it does not count.
package struct ThrottleCounts: Codable, Equatable, Sendable {
  /// Of all cores together.
  package var core: Int?
  /// Of all packages together.
  package var package: Int?
  /// Whether a Raspberry Pi's firmware holds the clock down now, for heat or for want of voltage.
  package var firmwareIsThrottling: Bool?

  /// Nothing known.
  package init() {}

  /// - Parameter processors: one hardware thread of each core that matters.
  init(_ files: SystemFiles, processors: [Topology.Processor]) {
    var packages: Set<Int> = []
    for processor in processors {
      let path = "sys/devices/system/cpu/cpu\(processor.id)/thermal_throttle/"
      if let count = Self.count(files, path + "core_throttle_count") { core = (core ?? 0) + count }
      if packages.insert(processor.package ?? 0).inserted,
        let count = Self.count(files, path + "package_throttle_count")
      {
        self.package = (self.package ?? 0) + count
      }
    }
    firmwareIsThrottling = Self.firmware(files)
  }

  private static func count(_ files: SystemFiles, _ path: String) -> Int? {
    files.integer(path, in: 0...(1 << 40))
  }

  /// Bits 1, 2 and 3: clock capped, throttled, soft temperature limit.
  private static func firmware(_ files: SystemFiles) -> Bool? {
    guard
      var text = files.text("sys/devices/platform/soc/soc:firmware/get_throttled")?[...]
    else { return nil }
    if text.hasPrefix("0x") { text = text.dropFirst(2) }
    return UInt32(text, radix: 16).map { $0 & 0b1110 != 0 }
  }
}
