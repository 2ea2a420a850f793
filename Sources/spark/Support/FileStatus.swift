import Glibc

/// What the system knows about an open file.
struct FileStatus {
  private let status: stat

  init?(of descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.status = status
  }

  /// Nil where there is nothing at `path`, or it cannot be looked at.
  init?(at path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    self.status = status
  }

  /// Device and file number: equal for two descriptors of one file, pipe or terminal.
  var identity: [UInt64] { [UInt64(status.st_dev), UInt64(status.st_ino)] }

  /// Who may read and write it.
  var permissions: mode_t { status.st_mode & 0o7777 }

  var isRegularFile: Bool { status.st_mode & S_IFMT == S_IFREG }
}
