import Generation
import Glibc

/// The file that a trace goes to. It is opened before the run, so that one that cannot be written is told before
/// there is anything to lose; what it held before is gone only when the trace is written.
final class PassTraceFile: Sendable {
  private let path: String
  private let descriptor: Int32
  /// Whether it was not there before.
  private let isNew: Bool

  init(path: String) throws {
    self.path = path
    isNew = unsafe access(path, F_OK) != 0
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw OutputError.failed(name: path, code: errno) }
  }

  deinit { close(descriptor) }

  func write(_ trace: PassTrace) throws {
    if FileStatus(of: descriptor)?.isRegularFile == true, ftruncate(descriptor, 0) != 0 {
      throw OutputError.failed(name: path, code: errno)
    }
    let output = Output(descriptor: descriptor, name: path)
    try trace.writeJSON { try output.write($0) }
  }

  /// There is nothing to write: the run came to nothing.
  func abandon() { if isNew { _ = unsafe unlink(path) } }
}
