import Glibc

/// A file that is read piece by piece.
enum InputFile {
  /// Calls `body` with each piece of the file at `path`, `-` being standard input.
  static func read(_ path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    if path == "-" { return try read(STDIN_FILENO, name: "standard input", body) }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw InputError("\(path) cannot be opened: \(SystemError(errno)).")
    }
    defer { close(descriptor) }
    try read(descriptor, name: path, body)
  }

  /// The same for an open one, from where it stands.
  static func read(
    _ descriptor: Int32, name: String, _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count == 0 { return }
      if count > 0 {
        try body(chunk[..<count])
      } else if errno != EINTR {
        throw InputError("\(name) cannot be read: \(SystemError(errno)).")
      }
    }
  }
}
