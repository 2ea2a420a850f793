/// The processors that this process may use.
package struct Processors: Codable, Sendable, Equatable {
  /// Those in this process's affinity mask, hardware threads counted singly.
  package var allowed: [Int]

  /// Reads the mask of `/proc/self/status`; without one, all that are online; without those, one.
  init(_ files: SystemFiles) {
    let mask =
      files.field("Cpus_allowed_list", in: "proc/self/status").flatMap(CPUList.init)
      ?? files.text("sys/devices/system/cpu/online").flatMap(CPUList.init)
    allowed = mask?.processors ?? [0]
  }
}
