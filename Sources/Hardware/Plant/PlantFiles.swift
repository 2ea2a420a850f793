import Glibc

/// The files of a simulated machine, below a folder of their own: what real probes read.
package final class PlantFiles {
  /// What the sensor's file says.
  package enum Sensor: Sendable {
    case celsius(Double)
    case missing
    case text(String)
  }

  package let root: String
  private let maxFrequency = 3_600_000
  /// What each file holds: one that stays the same is not written again.
  private var texts: [String: String] = [:]

  /// Lays the tree out below `root`, a folder that exists.
  package init(root: String, shape: ThermalPlant.Shape, processors: Int) throws(HardwareError) {
    self.root = root
    try write("proc/cpuinfo", "model name\t: Simulated\nflags\t\t: avx2 fma f16c avx512_vnni")
    try write("proc/self/status", "Cpus_allowed_list:\t0-\(processors - 1)")
    try write("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 12582912 kB")
    try write("sys/devices/system/cpu/online", "0-\(processors - 1)")
    for id in 0..<processors {
      let cpu = "sys/devices/system/cpu/cpu\(id)/"
      try write(cpu + "topology/thread_siblings_list", "\(id)")
      try write(cpu + "topology/physical_package_id", "0")
      try write(cpu + "cpufreq/cpuinfo_max_freq", "\(maxFrequency)")
    }
    let zone = "sys/class/thermal/thermal_zone0/"
    try write(zone + "type", "x86_pkg_temp")
    for (index, trip) in [("passive", shape.trip), ("critical", shape.critical)].enumerated() {
      try write(zone + "trip_point_\(index)_type", trip.0)
      try write(zone + "trip_point_\(index)_temp", "\(Int(trip.1 * 1000))")
    }
    try update(sensor: .celsius(25), throttleCount: 0, speed: 1, processors: processors)
  }

  /// Writes what changes.
  package func update(
    sensor: Sensor, throttleCount: Int, speed: Double, processors: Int
  ) throws(HardwareError) {
    let temperature = "sys/class/thermal/thermal_zone0/temp"
    switch sensor {
    case .celsius(let celsius): try write(temperature, "\(Int(celsius * 1000))")
    case .missing: try write(temperature, "")
    case .text(let text): try write(temperature, text)
    }
    for id in 0..<min(processors, 4) {
      let cpu = "sys/devices/system/cpu/cpu\(id)/"
      try write(cpu + "cpufreq/scaling_cur_freq", "\(Int(Double(maxFrequency) * speed))")
      if id == 0 {
        try write(cpu + "thermal_throttle/package_throttle_count", "\(throttleCount)")
      }
    }
  }

  /// Writes a file in place, so that whoever has it open sees the new text.
  private func write(_ path: String, _ text: String) throws(HardwareError) {
    guard texts[path] != text else { return }
    texts[path] = text
    let whole = root + "/" + path
    var descriptor = unsafe open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0, errno == ENOENT {
      var folder = root
      for name in path.split(separator: "/").dropLast() {
        folder += "/" + name
        _ = unsafe mkdir(folder, 0o755)
      }
      descriptor = unsafe open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    }
    guard descriptor >= 0 else {
      throw HardwareError("\(whole) cannot be written; give a folder that is yours.")
    }
    defer { close(descriptor) }
    let bytes = Array((text + "\n").utf8)
    guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw HardwareError("\(whole) cannot be written whole; is the disk full?")
    }
  }
}
