import FoundationEssentials
import Glibc

/// A folder for the time of a command.
enum TemporaryFolder {
  /// Calls `body` with `path`, or with a new folder that is removed afterwards.
  static func with<Result>(
    _ path: String?, _ body: (String) async throws -> Result
  ) async throws -> Result {
    if let path { return try await body(path) }
    var name = Array("\(FileManager.default.temporaryDirectory.path)/spark-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&name) != nil else {
      throw InputError("no temporary folder can be made: \(SystemError(errno)).")
    }
    let folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
  }
}
