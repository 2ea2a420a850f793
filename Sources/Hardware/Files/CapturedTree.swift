/// A tree of small text files held in memory, and its form as one text:
///
///     spark hardware capture 1
///     # a comment
///     sys/class/thermal/thermal_zone0/temp = 45000
///     sys/devices/system/cpu/cpu{0-3,8}/topology/physical_package_id = 0
///     sys/class/hwmon/hwmon0/temp1_input !
///     proc/meminfo =
///       MemTotal:       16318124 kB
///
/// A line is a path, an equals sign between spaces, and the file's text; text of several lines
/// follows indented by two spaces. Braces stand for each number of a list in the kernel's notation;
/// an exclamation mark for a file that is there and cannot be read.
package struct CapturedTree: Sendable, Equatable {
  static let heading = "spark hardware capture 1"

  /// Text of each file by its path without a leading slash; an empty text cannot be read.
  package private(set) var files: [String: String] = [:]
  private var folders: [String: Set<String>] = [:]

  package init() {}

  package init(files: [String: String]) {
    for (path, text) in files { self[path] = text }
  }

  /// Reads the text form.
  package init(_ text: String) throws(HardwareError) {
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
    guard lines.popFirst() == Self.heading[...] else {
      throw HardwareError(
        "the first line is not \"\(Self.heading)\"; give a file that spark hardware --capture wrote."
      )
    }
    while let line = lines.popFirst() {
      if line.isEmpty || line.hasPrefix("#") { continue }
      let path: Substring
      var value: String
      if line.hasSuffix(" !") {
        (path, value) = (line.dropLast(2), "")
      } else if line.hasSuffix(" =") {
        path = line.dropLast(2)
        var rows: [Substring] = []
        while let row = lines.first, row.hasPrefix("  ") {
          rows.append(row.dropFirst(2))
          lines.removeFirst()
        }
        value = rows.joined(separator: "\n")
      } else if let sign = line.firstRange(of: " = ") {
        (path, value) = (line[..<sign.lowerBound], String(line[sign.upperBound...]))
      } else {
        throw HardwareError("\"\(line)\" is not a path and a text with \" = \" between them.")
      }
      guard let paths = Self.expand(path) else {
        throw HardwareError("the braces of \"\(path)\" do not hold a list such as 0-3,8.")
      }
      for path in paths { self[path] = value }
    }
  }

  package subscript(_ path: String) -> String? {
    get { files[path] }
    set {
      guard let newValue else {
        files[path] = nil
        return
      }
      files[path] = newValue
      var rest = path[...]
      while let slash = rest.lastIndex(of: "/") {
        folders[String(rest[..<slash]), default: []].insert(
          String(rest[rest.index(after: slash)...]))
        rest = rest[..<slash]
      }
    }
  }

  func text(_ path: String) -> String? {
    guard let text = files[path], !text.isEmpty else { return nil }
    return text
  }

  func names(in folder: String) -> [String] { folders[folder].map { $0.sorted() } ?? [] }

  /// The text form: sorted, with files that are alike for several processors told once.
  package var text: String {
    var groups: [String: [String: [Int]]] = [:]
    var plain: [String: String] = [:]
    for (path, value) in files {
      if let (pattern, number) = Self.pattern(path) {
        groups[pattern, default: [:]][value, default: []].append(number)
      } else {
        plain[path] = value
      }
    }
    for (pattern, values) in groups {
      for (value, numbers) in values {
        let list = numbers.count == 1 ? "\(numbers[0])" : "{\(CPUList(numbers))}"
        plain[pattern.replacing("*", with: list)] = value
      }
    }
    var text = Self.heading + "\n"
    for (path, value) in plain.sorted(by: { $0.key < $1.key }) {
      if value.isEmpty {
        text += "\(path) !\n"
      } else if value.contains(where: \.isNewline) {
        let rows = value.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        text += "\(path) =\n" + rows.map { "  \($0)\n" }.joined()
      } else {
        text += "\(path) = \(value)\n"
      }
    }
    return text
  }

  /// A processor's path with its number starred.
  private static func pattern(_ path: String) -> (String, Int)? {
    let folder = "sys/devices/system/cpu/cpu"
    guard path.hasPrefix(folder) else { return nil }
    let rest = path.dropFirst(folder.count)
    let digits = rest.prefix { $0.isNumber }
    guard let number = Int(digits), rest.dropFirst(digits.count).hasPrefix("/") else { return nil }
    return (folder + "*" + rest.dropFirst(digits.count), number)
  }

  private static func expand(_ path: Substring) -> [String]? {
    guard let open = path.firstIndex(of: "{") else { return [String(path)] }
    guard let end = path.firstIndex(of: "}"), open < end,
      let list = CPUList(String(path[path.index(after: open)..<end]))
    else { return nil }
    return list.processors.map { "\(path[..<open])\($0)\(path[path.index(after: end)...])" }
  }
}
