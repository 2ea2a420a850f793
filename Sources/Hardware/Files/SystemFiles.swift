import Glibc
import Synchronization

/// Small text files of `/proc` and `/sys`, below a root that tests can choose: a folder, or a tree
/// captured in one file.
///
/// Every reader answers nil for what is missing, unreadable or malformed; nothing here throws once
/// the root is open.
package struct SystemFiles: Sendable {
  /// The kernel's files are a page or less, save lists of many processors; anything longer is cut.
  private static let limit = 1 << 20

  private enum Source {
    case folder(String)
    case captured(CapturedTree)
  }

  private let source: Source
  private var recorder: ReadRecorder?
  private var descriptors: KeptDescriptors?

  /// The files below a folder.
  package init(root: String = "/") {
    source = .folder(root.hasSuffix("/") ? root : root + "/")
  }

  package init(_ tree: CapturedTree) { source = .captured(tree) }

  /// The files below `path`, a folder or a file that `spark hardware --capture` wrote.
  package static func open(_ path: String) throws(HardwareError) -> SystemFiles {
    if let folder = unsafe opendir(path) {
      unsafe closedir(folder)
      return SystemFiles(root: path)
    }
    let reason = errno
    guard reason == ENOTDIR else {
      throw HardwareError("\(path) cannot be read: \(unsafe String(cString: strerror(reason))).")
    }
    guard let text = Self.read(path) else {
      throw HardwareError("\(path) cannot be read, or is empty; give a folder or a capture.")
    }
    do {
      return SystemFiles(try CapturedTree(text))
    } catch {
      throw HardwareError("\(path): \(error.message)")
    }
  }

  /// The same files, with a note of each one read.
  func recording(into recorder: ReadRecorder) -> SystemFiles {
    var copy = self
    copy.recorder = recorder
    return copy
  }

  /// The same files, each kept open once read: a second reading costs one system call.
  func keepingOpen() -> SystemFiles {
    var copy = self
    copy.descriptors = KeptDescriptors()
    return copy
  }

  // MARK: - Reading

  /// The file's text without surrounding space; nil when it cannot be read or is empty.
  func text(_ path: String) -> String? {
    let text: String?
    switch source {
    case .captured(let tree): text = tree.text(path)
    case .folder(let root):
      text = descriptors.map { $0.read(root + path) } ?? Self.read(root + path)
    }
    if let text { recorder?.note(path, text) }
    return text
  }

  func lines(_ path: String) -> [Substring] {
    (text(path) ?? "").split(whereSeparator: \.isNewline)
  }

  /// The value after `name:` in a file of such lines.
  func field(_ name: String, in path: String) -> String? {
    guard let text = text(path) else { return nil }
    return Self.field(name, of: text)
  }

  static func field(_ name: String, of text: some StringProtocol) -> String? {
    for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(name) {
      let rest = line.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
      guard rest.first == ":" else { continue }
      let value = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
      return value.isEmpty ? nil : String(value)
    }
    return nil
  }

  /// A file that is one whole number, if it lies in `range`.
  func integer(_ path: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = text(path).flatMap({ Int($0) }), range.contains(value) else { return nil }
    return value
  }

  /// The numbers of a folder's entries that are `prefix` and a number, in order.
  func numbers(of prefix: String, in folder: String) -> [Int] {
    var numbers: [Int] = []
    for name in names(in: folder) where name.hasPrefix(prefix) {
      let digits = name.utf8.dropFirst(prefix.utf8.count)
      guard !digits.isEmpty, digits.count <= 5, digits.allSatisfy({ (48...57).contains($0) })
      else { continue }
      numbers.append(digits.reduce(0) { $0 * 10 + Int($1) - 48 })
    }
    return numbers.sorted()
  }

  /// The names in a folder, sorted; none when there is no such folder.
  func names(in folder: String) -> [String] {
    switch source {
    case .captured(let tree): return tree.names(in: folder)
    case .folder(let root):
      guard let handle = unsafe opendir(root + folder) else { return [] }
      defer { unsafe closedir(handle) }
      var names: [String] = []
      while let entry = unsafe readdir(handle) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
          unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
      }
      return names.sorted()
    }
  }

  private static func read(_ path: String) -> String? {
    let descriptor = Self.openForReading(path)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return read(descriptor)
  }

  fileprivate static func openForReading(_ path: String) -> Int32 {
    unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  }

  /// The text of an open file from its beginning; nil when it cannot be read or is empty.
  fileprivate static func read(_ descriptor: Int32) -> String? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 8192)
    while bytes.count < limit {
      let count = unsafe pread(descriptor, &buffer, buffer.count, bytes.count)
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
    let trimmed = bytes.drop(while: isSpace)
    guard let end = trimmed.lastIndex(where: { !isSpace($0) }) else { return nil }
    return String(decoding: trimmed[...end], as: UTF8.self)
  }
}

/// Descriptors of files that are read again and again.
private final class KeptDescriptors: Sendable {
  private let descriptors = Mutex<[String: Int32]>([:])

  func read(_ path: String) -> String? {
    descriptors.withLock { descriptors in
      let descriptor = descriptors[path] ?? SystemFiles.openForReading(path)
      guard descriptor >= 0 else { return nil }
      descriptors[path] = descriptor
      if let text = SystemFiles.read(descriptor) { return text }
      // A device that went away and came back has another file under the same name.
      close(descriptor)
      descriptors[path] = nil
      return nil
    }
  }

  deinit {
    descriptors.withLock { for descriptor in $0.values { close(descriptor) } }
  }
}
