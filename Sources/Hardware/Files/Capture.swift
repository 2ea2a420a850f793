extension CapturedTree {
  /// Captures what the probes read below `files`, with nothing in it that names a person, a host or
  /// a device.
  ///
  /// The probes read no file with a host name, serial number or address; three files that say more
  /// than is needed are cut down to the fields that are.
  package static func capture(_ files: SystemFiles) -> CapturedTree {
    let recorder = ReadRecorder()
    _ = MachineSnapshot(files.recording(into: recorder))
    var captured = recorder.files
    for (path, fields) in [
      ("proc/self/status", ["Cpus_allowed_list", "VmRSS", "VmHWM"]),
      ("proc/cpuinfo", ProcessorModel.fields),
    ] {
      guard let text = captured[path] else { continue }
      captured[path] = firstOfEach(fields, in: text)
    }
    return CapturedTree(files: withoutGroupNames(captured))
  }

  /// The lines of the first processor of each part number, with only the fields named.
  private static func firstOfEach(_ fields: [String], in text: String) -> String {
    var seen: Set<Substring> = []
    return text.split(whereSeparator: \.isNewline).filter { line in
      let name = line.prefix { $0 != ":" }.trimmed
      guard fields.contains(String(name)) else { return false }
      // Processors of one kind repeat their lines; a processor's own number does not matter.
      return seen.insert(line).inserted
    }.joined(separator: "\n")
  }

  /// Control groups are named for users, services and containers: here each is `group`.
  private static func withoutGroupNames(_ files: [String: String]) -> [String: String] {
    guard let membership = files["proc/self/cgroup"] else { return files }
    var renamed = files
    var names: Set<String> = []
    let lines = membership.split(whereSeparator: \.isNewline).compactMap { line -> String? in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      let path = parts[2].split(separator: "/")
      names.formUnion(path.map(String.init))
      // Names of hierarchies that nobody reads may say what a system is for.
      guard
        parts[1].isEmpty
          || ["cpu", "memory", "cpuset", "cpuacct"].contains(where: parts[1].contains)
      else { return nil }
      return "\(parts[0]):\(parts[1]):/" + path.map { _ in "group" }.joined(separator: "/")
    }
    renamed["proc/self/cgroup"] = lines.joined(separator: "\n")
    let base = "sys/fs/cgroup/"
    for (path, text) in files where path.hasPrefix(base) {
      let parts = path.dropFirst(base.count).split(separator: "/")
      let hidden = parts.enumerated().map { index, part in
        let isHierarchy = index == 0 && ControlGroup.hierarchies.contains(String(part))
        return names.contains(String(part)) && !isHierarchy ? "group" : part
      }
      renamed[path] = nil
      renamed[base + hidden.joined(separator: "/")] = text
    }
    return renamed
  }
}

extension StringProtocol {
  /// Without blanks at either end.
  var trimmed: SubSequence {
    guard let end = lastIndex(where: { !$0.isWhitespace }) else { return self[endIndex...] }
    return self[...end].drop { $0.isWhitespace }
  }
}
