import FoundationEssentials
import Glibc

/// A folder for the time of a command.
enum TemporaryFolder {
  /// Calls `body` with `path`, or with a new folder that is removed afterwards.
  static func with<Result>(
    _ path: String?, _ body: (String) async throws -> Result
  ) async throws -> Result {
    if let path { return try await body(path) }
    let folder = try make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
  }

  /// The same for work that waits for nothing.
  static func with<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// A new, empty folder in `parent`; nil: where temporary files go here.
  static func make(in parent: String? = nil) throws -> String {
    let parent = parent ?? FileManager.default.temporaryDirectory.path
    var name = Array("\(parent)/spark-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&name) != nil else {
      throw InputError("no temporary folder can be made in \(parent): \(SystemError(errno)).")
    }
    return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
