/// The processors that this process may use.
public struct Processors: Sendable, Equatable {
  /// Processors in this process's affinity mask, hardware threads counted singly.
  public var allowed: Int
  /// Physical cores among them: hardware threads of one core count once.
  public var cores: Int
  /// The control group's limit in processors, such as 1.5; nil when there is none.
  public var quota: Double?

  /// Threads worth starting for arithmetic: one for each core, within the quota.
  public var recommendedThreads: Int {
    let limit = quota.map { max(1, Int($0.rounded(.up))) } ?? Int.max
    return max(1, min(cores, limit))
  }

  /// Reads `/proc` and `/sys` below `root`. What cannot be read counts as one core, or no limit.
  public init(root: String = "/") {
    let files = SystemFiles(root: root)
    let mask =
      files.field("Cpus_allowed_list", in: "proc/self/status").flatMap(CPUList.init)
      ?? files.text("sys/devices/system/cpu/online").flatMap(CPUList.init)
    let processors = mask?.processors ?? [0]
    allowed = processors.count
    let siblings = processors.map {
      files.text("sys/devices/system/cpu/cpu\($0)/topology/thread_siblings_list") ?? "\($0)"
    }
    cores = Set(siblings).count
    quota = Self.quota(files)
  }

  /// `cpu.max` of this process's control group (version 2) and of all above it; the smallest.
  private static func quota(_ files: SystemFiles) -> Double? {
    guard
      let line = files.lines("proc/self/cgroup").first(where: { $0.hasPrefix("0::/") })
    else { return nil }
    var path = line.dropFirst(4).split(separator: "/").map(String.init)
    var smallest: Double?
    while true {
      let folder = (["sys/fs/cgroup"] + path).joined(separator: "/")
      if let text = files.text(folder + "/cpu.max") {
        let parts = text.split(separator: " ")
        if parts.count == 2, let limit = Double(parts[0]), let period = Double(parts[1]),
          period > 0, limit > 0
        {
          smallest = min(smallest ?? .infinity, limit / period)
        }
      }
      guard path.popLast() != nil else { return smallest }
    }
  }
}

/// A list of processors in the kernel's notation, such as `0-3,8`.
struct CPUList {
  var processors: [Int]

  init?(_ text: String) {
    processors = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").map { Int($0) }
      switch ends.count {
      case 1:
        guard let only = ends[0] else { return nil }
        processors.append(only)
      case 2:
        guard let low = ends[0], let high = ends[1], low <= high, high < 65536 else { return nil }
        processors.append(contentsOf: low...high)
      default: return nil
      }
    }
    guard !processors.isEmpty else { return nil }
  }
}
