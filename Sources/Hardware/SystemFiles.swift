#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Small text files of `/proc` and `/sys`, below a root that tests can choose.
struct SystemFiles {
  /// The kernel's files are a page or less; anything longer is cut.
  private static let limit = 65536

  let root: String

  init(root: String) { self.root = root.hasSuffix("/") ? root : root + "/" }

  /// The file's text without surrounding space; nil when it cannot be read or is empty.
  func text(_ path: String) -> String? {
    let descriptor = unsafe open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count < Self.limit {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
    let trimmed = bytes.drop(while: isSpace)
    guard let end = trimmed.lastIndex(where: { !isSpace($0) }) else { return nil }
    return String(decoding: trimmed[...end], as: UTF8.self)
  }

  func lines(_ path: String) -> [String] {
    (text(path) ?? "").split(separator: "\n").map(String.init)
  }

  /// The value after `name:` in a file of such lines.
  func field(_ name: String, in path: String) -> String? {
    guard let line = lines(path).first(where: { $0.hasPrefix(name + ":") }) else { return nil }
    let value = line.dropFirst(name.count + 1).drop { $0 == " " || $0 == "\t" }
    return value.isEmpty ? nil : String(value)
  }
}
