import Glibc

/// A file that exists once it is written whole.
enum OutputFile {
  /// Lets `body` write the file at `path`, `-` being standard output. When that fails, what was
  /// written of a regular file is removed, so that nobody takes half of it for all.
  static func write(_ path: String, _ body: (Output) async throws -> Void) async throws {
    if path == "-" { return try await body(.standard) }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw OutputError.failed(name: path, code: errno) }
    let isRegularFile = FileStatus(of: descriptor)?.isRegularFile ?? false
    do {
      try await body(Output(descriptor: descriptor, name: path))
      // Some file systems tell only now that there was no room.
      guard close(descriptor) == 0 else { throw OutputError.failed(name: path, code: errno) }
    } catch {
      close(descriptor)
      if isRegularFile { _ = unsafe unlink(path) }
      throw error
    }
  }
}
