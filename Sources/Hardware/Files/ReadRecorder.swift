import Synchronization

/// What was read of a tree: a capture holds exactly what the probes look at, and nothing else.
final class ReadRecorder: Sendable {
  private let seen = Mutex<[String: String]>([:])

  func note(_ path: String, _ text: String) { seen.withLock { $0[path] = text } }

  var files: [String: String] { seen.withLock { $0 } }
}
