import Glibc

/// A file descriptor one writes to without a buffer in between, so that a token is seen at once.
struct Output: Sendable {
  static let standard = Output(descriptor: STDOUT_FILENO, name: "standard output")
  static let error = Output(descriptor: STDERR_FILENO, name: "standard error")

  let descriptor: Int32
  /// What messages call it.
  let name: String

  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Whether both lead to the same terminal, file or pipe.
  func isSame(as other: Output) -> Bool {
    guard let mine = FileStatus(of: descriptor), let theirs = FileStatus(of: other.descriptor)
    else { return false }
    return mine.identity == theirs.identity
  }

  /// Writes a remark whose loss must not end the work, such as statistics on standard error.
  func tell(_ remark: String) { try? write(remark) }

  func write(_ text: String) throws(OutputError) {
    try unsafe write(text.utf8Span.span.bytes)
  }

  /// Writes every byte, however many calls that takes.
  func write(_ bytes: RawSpan) throws(OutputError) {
    var written = 0
    while written < bytes.byteCount {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: waitUntilWritable()
      case EPIPE: throw .closed
      case let code: throw .failed(name: name, code: code)
      }
    }
  }

  /// A non-blocking descriptor, inherited from whoever started us, is waited for rather than refused.
  private func waitUntilWritable() {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = unsafe poll(&request, 1, -1)
  }
}

/// Why output could not be written.
enum OutputError: Error, CustomStringConvertible {
  /// The reader of a pipe has left.
  case closed
  /// The output's name and the system's error number.
  case failed(name: String, code: Int32)

  var description: String {
    switch self {
    case .closed: "the reader of the output has left."
    case .failed(let name, let code): "\(name) cannot be written: \(SystemError(code))."
    }
  }
}
