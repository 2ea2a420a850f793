import ArgumentParser
import Glibc

/// Text that a command reads: an argument, a file, or standard input.
enum TextInput {
  /// The text of the first of these that was given: `argument`, where `-` means standard input;
  /// `file`; standard input, unless it is a terminal at which nobody expects to type.
  ///
  /// One final newline of a file or of standard input is dropped: editors and `echo` add it, and to a
  /// model it would be part of the text.
  static func read(argument: String?, file: String? = nil, what: String) throws -> String {
    switch (argument, file) {
    case (.some, .some):
      throw ValidationError("Give the \(what) as an argument or with --file, not both.")
    case ("-", nil): return try standardInput(what)
    case (let argument?, nil): return argument
    case (nil, let file?): return try contents(of: file)
    case (nil, nil):
      guard isatty(STDIN_FILENO) == 0 else {
        throw ValidationError("Give the \(what) as an argument, or pipe it in.")
      }
      return try standardInput(what)
    }
  }

  private static func standardInput(_ what: String) throws(InputError) -> String {
    try text(from: STDIN_FILENO, name: "standard input")
  }

  static func contents(of path: String) throws(InputError) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw InputError("\(path) cannot be opened: \(SystemError(errno)).")
    }
    defer { close(descriptor) }
    return try text(from: descriptor, name: path)
  }

  private static func text(from descriptor: Int32, name: String) throws(InputError) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count == 0 { break }
      if count > 0 {
        bytes += chunk[..<count]
      } else if errno != EINTR {
        throw InputError("\(name) cannot be read: \(SystemError(errno)).")
      }
    }
    guard var text = String(validating: bytes, as: UTF8.self) else {
      throw InputError("\(name) is not UTF-8 text.")
    }
    // An editor's last line ends in one, which the writer of a prompt does not mean.
    if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
