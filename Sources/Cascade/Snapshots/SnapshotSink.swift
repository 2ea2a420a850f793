internal import Glibc

/// Where a snapshot is written, front to back.
package protocol SnapshotSink: AnyObject {
  func write(_ bytes: [UInt8]) throws(SnapshotError)
}

/// An open file, pipe or socket.
package final class DescriptorSink: SnapshotSink {
  private let descriptor: Int32
  /// What messages call it.
  private let name: String

  /// - Parameter descriptor: the caller's: it is not closed.
  package init(_ descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  package func write(_ bytes: [UInt8]) throws(SnapshotError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      }
      if count >= 0 {
        written += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&request, 1, -1)
      case EPIPE:
        throw SnapshotError(
          .output, "the reader of \(name) has left before the snapshot was whole; export it again.")
      case let code: throw SnapshotError(writing: name, code)
      }
    }
  }
}

/// A file that is there once it is whole: until then its bytes are in another one beside it, which goes
/// with this object.
package final class FileSink: SnapshotSink {
  private let path: String
  private let temporary: String
  private var descriptor: Int32
  private let sink: DescriptorSink
  private let replaces: Bool

  /// - Parameter replaces: whether a file that is there gives way.
  package init(_ path: String, replaces: Bool) throws(SnapshotError) {
    self.path = path
    self.replaces = replaces
    if !replaces, unsafe access(path, F_OK) == 0 { throw Self.exists(path) }
    let (file, name) = makeTemporaryFile(beginning: path)
    guard file >= 0 else { throw SnapshotError(writing: path, errno) }
    temporary = name
    descriptor = file
    sink = DescriptorSink(file, name: path)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    _ = unsafe unlink(temporary)
  }

  package func write(_ bytes: [UInt8]) throws(SnapshotError) { try sink.write(bytes) }

  /// Gives the file its name, for good: it survives a loss of power.
  package func finish() throws(SnapshotError) {
    guard fsync(descriptor) == 0 else { throw SnapshotError(writing: path, errno) }
    if replaces {
      guard unsafe rename(temporary, path) == 0 else { throw SnapshotError(writing: path, errno) }
    } else {
      // Unlike rename(2), this gives way to whoever has taken the name meanwhile.
      guard unsafe link(temporary, path) == 0 else {
        throw errno == EEXIST ? Self.exists(path) : SnapshotError(writing: path, errno)
      }
      _ = unsafe unlink(temporary)
    }
    // Some file systems tell only now that there was no room.
    let isClosed = close(descriptor) == 0
    let code = errno
    descriptor = -1
    guard isClosed else { throw SnapshotError(writing: path, code) }
    let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let folder = unsafe open(parent.isEmpty ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  private static func exists(_ path: String) -> SnapshotError {
    SnapshotError(.output, "\(path) is there already; name another file, or add --force.")
  }
}

/// Makes an empty file that nobody else may read.
///
/// - Returns: its descriptor, -1 where it cannot be made, and its path.
func makeTemporaryFile(beginning prefix: String) -> (descriptor: Int32, path: String) {
  var name = Array("\(prefix).XXXXXX".utf8CString)
  let file = unsafe mkstemp(&name)
  if file >= 0 { _ = fcntl(file, F_SETFD, FD_CLOEXEC) }
  return (file, String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
}

extension SnapshotError {
  init(writing name: String, _ code: Int32) {
    self.init(
      .output,
      "\(name) cannot be written: \(Self.reason(code)); make room or give permission there, or name another file."
    )
  }

  init(reading name: String, _ code: Int32) {
    self.init(
      .input,
      "\(name) cannot be read: \(Self.reason(code)); name a file that is there and may be read.")
  }

  private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
