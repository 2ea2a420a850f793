/// What the control groups of this process allow it: of its own group and all above it, the least.
///
/// Version 2 (Documentation/admin-guide/cgroup-v2.rst) and version 1 (cgroup-v1/memory.rst,
/// scheduler/sched-bwc.rst) are read at their usual mount points, mixed systems included. A path that
/// belongs to the host rather than to a container's view is walked up to where files exist.
package struct ControlGroup: Codable, Equatable, Sendable {
  /// Processors' worth of time, such as 1.5; nil without a limit.
  package var processorQuota: Double?
  /// Bytes beyond which the kernel kills; nil without a limit.
  package var memoryLimit: Int?
  /// Bytes beyond which the kernel slows us down and reclaims; nil without a limit.
  package var memoryHigh: Int?
  /// Bytes in use in the group that has the least left, file pages that can be dropped not counted.
  package var memoryUsed: Int?
  /// Bytes left below the nearest limit, and that limit; nil without one.
  package var memoryLeft: Int?
  package var memoryBound: Int?
  /// The folder of the group whose pressure concerns us; nil where there is none.
  package var pressureFolder: String?

  static let hierarchies = ["unified", "cpu", "memory", "cpuset", "cpuacct", "cpu,cpuacct"]

  /// No limits.
  package init() {}

  init(_ files: SystemFiles) {
    let base = "sys/fs/cgroup"
    for line in files.lines("proc/self/cgroup").prefix(64) {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, !parts[2].contains("..") else { continue }
      let controllers = parts[1].split(separator: ",")
      if parts[1].isEmpty {
        for root in [base, base + "/unified"] {
          for folder in Self.foldersUp(from: parts[2], below: root) {
            readProcessors2(files, folder)
            readMemory2(files, folder)
            if pressureFolder == nil, files.text(folder + "/memory.pressure") != nil {
              pressureFolder = folder
            }
          }
        }
      }
      if controllers.contains("cpu") {
        for root in [base + "/cpu", base + "/cpu,cpuacct"] {
          for folder in Self.foldersUp(from: parts[2], below: root) {
            readProcessors1(files, folder)
          }
        }
      }
      if controllers.contains("memory") {
        for folder in Self.foldersUp(from: parts[2], below: base + "/memory") {
          readMemory1(files, folder)
        }
      }
    }
  }

  /// The group's folder and those above it, the hierarchy's root last.
  private static func foldersUp(from path: Substring, below root: String) -> [String] {
    var names = path.split(separator: "/").prefix(64)
    var folders = [([root] + names.map(String.init)).joined(separator: "/")]
    while names.popLast() != nil {
      folders.append(([root] + names.map(String.init)).joined(separator: "/"))
    }
    return folders
  }

  private mutating func readProcessors2(_ files: SystemFiles, _ folder: String) {
    let parts = (files.text(folder + "/cpu.max") ?? "").split(separator: " ")
    guard parts.count == 2 else { return }
    limitProcessors(Double(parts[0]), per: Double(parts[1]))
  }

  private mutating func readProcessors1(_ files: SystemFiles, _ folder: String) {
    limitProcessors(
      files.text(folder + "/cpu.cfs_quota_us").flatMap { Double($0) },
      per: files.text(folder + "/cpu.cfs_period_us").flatMap { Double($0) })
  }

  /// Quota and period in microseconds; version 1 writes -1 for no limit.
  private mutating func limitProcessors(_ quota: Double?, per period: Double?) {
    guard let quota, let period, quota > 0, period > 0, (0.001...65536).contains(quota / period)
    else { return }
    processorQuota = min(processorQuota ?? .infinity, quota / period)
  }

  private mutating func readMemory2(_ files: SystemFiles, _ folder: String) {
    let limit = Self.bytes(files.text(folder + "/memory.max"))
    let high = Self.bytes(files.text(folder + "/memory.high"))
    if let high { memoryHigh = min(memoryHigh ?? .max, high) }
    limitMemory(
      files, limit: limit, bound: [limit, high].compactMap(\.self).min(),
      used: folder + "/memory.current", dropped: ("inactive_file", folder + "/memory.stat"))
  }

  private mutating func readMemory1(_ files: SystemFiles, _ folder: String) {
    let limit = Self.bytes(files.text(folder + "/memory.limit_in_bytes"))
    limitMemory(
      files, limit: limit, bound: limit, used: folder + "/memory.usage_in_bytes",
      dropped: ("total_inactive_file", folder + "/memory.stat"))
  }

  private mutating func limitMemory(
    _ files: SystemFiles, limit: Int?, bound: Int?, used: String,
    dropped: (name: String, path: String)
  ) {
    if let limit { memoryLimit = min(memoryLimit ?? .max, limit) }
    guard let bound, let current = Self.bytes(files.text(used)) else { return }
    let line = files.lines(dropped.path).first { $0.hasPrefix(dropped.name + " ") }
    let file = Self.bytes(line?.split(separator: " ").last.map(String.init)) ?? 0
    let inUse = max(0, current - file)
    guard max(0, bound - inUse) < memoryLeft ?? .max else { return }
    memoryLeft = max(0, bound - inUse)
    memoryUsed = inUse
    memoryBound = bound
  }

  /// A number of bytes; nil for `max` and for version 1's number near 2^63, which mean no limit.
  private static func bytes(_ text: String?) -> Int? {
    guard let value = text.flatMap({ Int($0) }), (0...(1 << 60)).contains(value) else { return nil }
    return value
  }
}
