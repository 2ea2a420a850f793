/// One cache of a processor.
package struct ProcessorCache: Codable, Equatable, Sendable {
  package enum Kind: String, Codable, Sendable { case data, instruction, unified }

  package var level: Int
  package var kind: Kind
  package var bytes: Int
  /// Hardware threads that share it.
  package var processors: [Int]

  /// The machine's caches, each once, lowest level first.
  static func all(_ files: SystemFiles, processors: [Int]) -> [ProcessorCache] {
    var caches: [ProcessorCache] = []
    var seen: Set<String> = []
    for id in processors {
      let folder = "sys/devices/system/cpu/cpu\(id)/cache"
      for index in files.numbers(of: "index", in: folder).prefix(8) {
        let path = "\(folder)/index\(index)/"
        guard let level = files.integer(path + "level", in: 1...4),
          let kind = files.text(path + "type").flatMap({ Kind(rawValue: $0.lowercased()) }),
          let bytes = files.text(path + "size").flatMap(byteCount)
        else { continue }
        let shared = files.text(path + "shared_cpu_list") ?? "\(id)"
        guard seen.insert("\(level) \(kind) \(shared)").inserted else { continue }
        let sharers = CPUList(shared)?.processors ?? [id]
        caches.append(
          ProcessorCache(level: level, kind: kind, bytes: bytes, processors: sharers))
      }
    }
    return caches.sorted {
      ($0.level, $0.kind.rawValue, $0.processors.first ?? 0)
        < ($1.level, $1.kind.rawValue, $1.processors.first ?? 0)
    }
  }

  /// A size such as `32K` or `16M`, between 1 KiB and 4 GiB.
  private static func byteCount(_ text: String) -> Int? {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()),
      (1...(1 << 22)).contains(number)
    else { return nil }
    let bytes = number * unit
    return bytes <= 1 << 32 ? bytes : nil
  }
}
