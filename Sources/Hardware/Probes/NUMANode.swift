/// Memory and the processors next to it.
package struct NUMANode: Codable, Equatable, Sendable {
  package var id: Int
  package var processors: [Int]
  /// Its memory in bytes; nil where unknown.
  package var bytes: Int?
  /// Cost of reaching each node, 10 being its own; empty where unknown.
  package var distances: [Int]

  static func all(_ files: SystemFiles) -> [NUMANode] {
    let folder = "sys/devices/system/node"
    return files.numbers(of: "node", in: folder).prefix(1024).map { id in
      let path = "\(folder)/node\(id)/"
      let total = files.field("Node \(id) MemTotal", in: path + "meminfo")
      let distances = (files.text(path + "distance") ?? "").split(separator: " ").map { Int($0) }
      return NUMANode(
        id: id,
        processors: files.text(path + "cpulist").flatMap(CPUList.init)?.processors ?? [],
        bytes: total.flatMap(Memory.byteCount),
        distances: distances.contains { $0 == nil || !(1...255).contains($0!) }
          ? [] : distances.compactMap(\.self))
    }
  }
}
