import Dispatch
import Glibc

/// Work that the first Ctrl-C cancels, so that it can end with what it has; a second one kills the process.
enum Interruption {
  /// The exit code of a command that was interrupted: 128 + SIGINT, as shells have it.
  static let exitCode: Int32 = 128 + SIGINT

  static func cancels<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await work() }
    // Dispatch sees the signal only where its ordinary action is off.
    _ = signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler {
      _ = signal(SIGINT, SIG_DFL)
      task.cancel()
    }
    source.resume()
    defer { source.cancel() }
    return try await task.value
  }
}
