import Dispatch
import Glibc
import Synchronization

/// Work that the first Ctrl-C cancels, so that it can end with what it has; a second one kills the process.
/// Behind the work Ctrl-C does what it does to any process.
enum Interruption {
  /// The exit code of a command that was interrupted: 128 + SIGINT, as shells have it.
  static let exitCode: Int32 = 128 + SIGINT

  static func cancels<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await work() }
    watch.cancel.withLock { $0 = { task.cancel() } }
    // Not a dispatch source: the second one of a process was not told of its signal.
    _ = signal(SIGINT) { _ in
      let code = errno
      _ = signal(SIGINT, SIG_DFL)
      var byte: UInt8 = 0
      _ = unsafe write(Interruption.watch.writeEnd, &byte, 1)
      errno = code
    }
    defer {
      _ = signal(SIGINT, SIG_DFL)
      watch.cancel.withLock { $0 = nil }
    }
    return try await task.value
  }

  private static let watch = Watch()

  /// Cancels, on a thread of its own, what is under way when a signal's handler has written a byte: a
  /// handler itself may do next to nothing.
  private final class Watch: Sendable {
    let cancel = Mutex<(@Sendable () -> Void)?>(nil)
    let writeEnd: Int32

    init() {
      var ends: [Int32] = [-1, -1]
      _ = unsafe pipe(&ends)
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      writeEnd = ends[1]
      let readEnd = ends[0]
      DispatchQueue(label: "spark.interruption").async { [weak self] in
        var byte: UInt8 = 0
        while true {
          let count = unsafe read(readEnd, &byte, 1)
          if count == 1 {
            let cancel = self?.cancel.withLock { $0 }
            cancel?()
          } else if count == 0 || errno != EINTR {
            return
          }
        }
      }
    }
  }
}
