import Glibc

/// Descriptors 0, 1 and 2 as a process inherits them.
enum StandardDescriptors {
  /// Puts `/dev/null` where one is closed, so that no file opened later gets its number and is read as a
  /// prompt or written over with text. It is opened the wrong way round: using it is an error still.
  static func fillGaps() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
