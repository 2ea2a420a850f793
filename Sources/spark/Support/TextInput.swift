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
    case ("-", nil): return try text(from: "-")
    case (let argument?, nil): return argument
    case (nil, let file?): return try text(from: file)
    case (nil, nil):
      guard !isTyped else {
        throw ValidationError("Give the \(what) as an argument, or pipe it in.")
      }
      return try text(from: "-")
    }
  }

  /// Whether standard input is a terminal.
  static var isTyped: Bool { isatty(STDIN_FILENO) == 1 }

  /// - Parameter path: a file's, or `-` for standard input.
  static func text(from path: String) throws -> String {
    var bytes: [UInt8] = []
    try InputFile.read(path) { bytes += $0 }
    guard var text = String(validating: bytes, as: UTF8.self) else {
      let name = path == "-" ? "standard input" : path
      throw InputError("\(name) is not UTF-8 text.")
    }
    // An editor's last line ends in one, which the writer of a prompt does not mean.
    if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
