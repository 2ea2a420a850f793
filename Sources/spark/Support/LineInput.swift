import Generation
import Glibc

/// The lines of a file or a pipe, read as they are wanted, however many there are.
actor LineInput {
  /// The longest line that is read, in bytes.
  static let longestLine = 16 << 20
  /// How often a pipe is looked at while nothing comes.
  private static let pause = Duration.milliseconds(10)

  nonisolated let name: String
  private nonisolated let descriptor: Int32
  private nonisolated let isOurs: Bool
  private var splitter = LineSplitter(limit: longestLine)
  private var isAtEnd = false

  /// - Parameter path: a file's, or `-` for standard input.
  init(path: String) throws {
    name = path == "-" ? "standard input" : path
    isOurs = path != "-"
    descriptor = isOurs ? unsafe open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO
    guard descriptor >= 0 else {
      throw InputError("\(path) cannot be opened: \(SystemError(errno)).")
    }
  }

  deinit { if isOurs { close(descriptor) } }

  /// The same for two names of one file.
  nonisolated var identity: [UInt64]? { FileStatus(of: descriptor)?.identity }

  /// Reads all lines ahead, where the input is a file that can be read a second time; then it stands where it
  /// stood.
  ///
  /// - Returns: whether it was.
  nonisolated func readAhead(_ body: (InputLine) throws -> Void) throws -> Bool {
    guard let status = FileStatus(of: descriptor), status.isRegularFile else { return false }
    let start = lseek(descriptor, 0, SEEK_CUR)
    guard start >= 0 else { return false }
    var splitter = LineSplitter(limit: Self.longestLine)
    try InputFile.read(descriptor, name: name) { try splitter.add($0, body) }
    if let last = splitter.finish() { try body(last) }
    guard lseek(descriptor, start, SEEK_SET) == start else {
      throw InputError("\(name) cannot be read a second time: \(SystemError(errno)).")
    }
    return true
  }

  /// The next lines, one at least; nil at the end, and when the task is cancelled.
  func next() async throws -> [InputLine]? {
    var lines: [InputLine] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while lines.isEmpty, !isAtEnd {
      // No thread is kept waiting by who writes into a pipe now and then.
      while !isReadable {
        do { try await Task.sleep(for: Self.pause) } catch { return nil }
      }
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count > 0 {
        splitter.add(chunk[..<count]) { lines.append($0) }
      } else if count == 0 {
        isAtEnd = true
        if let last = splitter.finish() { lines.append(last) }
      } else if errno != EINTR, errno != EAGAIN {
        throw InputError("\(name) cannot be read: \(SystemError(errno)).")
      }
    }
    return lines.isEmpty ? nil : lines
  }

  private var isReadable: Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&request, 1, 0) != 0
  }
}
