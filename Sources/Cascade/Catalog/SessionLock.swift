internal import Glibc

/// One writer's hold on a session, among all processes that have the store open.
///
/// The kernel lets go of it when the process ends, however it ends. It is an advisory lock of the open
/// file (flock(2)), so that two in one process exclude each other as well.
package final class SessionLock: Sendable {
  /// Why a session cannot be held.
  package enum Failure: Error, Equatable {
    /// Another one has it; the process, where it has said which it is.
    case held(by: Int32?)
    /// The file that is locked cannot be made; an error number of the system.
    case inaccessible(path: String, code: Int32)
  }

  private let descriptor: Int32
  private let path: String
  /// How often, a millisecond apart, a lock is tried before it counts as held: who only asks holds it
  /// for microseconds.
  private static let tries = 10

  package static func path(_ directory: String, _ session: Int64) -> String {
    "\(directory)/locks/session-\(session)"
  }

  /// - Parameters:
  ///   - directory: the store's folder.
  ///   - session: the session's number in the catalog.
  package init(directory: String, session: Int64) throws(Failure) {
    let folder = "\(directory)/locks"
    guard unsafe mkdir(folder, 0o777) == 0 || errno == EEXIST else {
      throw .inaccessible(path: folder, code: errno)
    }
    let path = Self.path(directory, session)
    let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw .inaccessible(path: path, code: errno) }
    var triesLeft = Self.tries
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      if code == EWOULDBLOCK, triesLeft > 0 {
        triesLeft -= 1
        usleep(1000)
        continue
      }
      let holder = Self.holder(file)
      close(file)
      throw code == EWOULDBLOCK ? .held(by: holder) : .inaccessible(path: path, code: code)
    }
    // Who holds it is told for people; the lock is the lock.
    let name = Array("\(getpid())\n".utf8)
    _ = ftruncate(file, 0)
    _ = unsafe name.withUnsafeBytes { unsafe pwrite(file, $0.baseAddress, $0.count, 0) }
    // Not before: a throw behind the last property would run `deinit`.
    descriptor = file
    self.path = path
  }

  deinit {
    _ = ftruncate(descriptor, 0)
    close(descriptor)
  }

  /// Takes the file away: its session is, and its number never comes back.
  package func remove() { _ = unsafe unlink(path) }

  /// Whether sessions are, or were, in a store.
  static func haveBeenTaken(in directory: String) -> Bool {
    guard let folder = unsafe opendir("\(directory)/locks") else { return false }
    defer { unsafe closedir(folder) }
    while let entry = unsafe readdir(folder) {
      // All but the folder itself and its parent.
      if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { return true }
    }
    return false
  }

  static func holder(_ descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard count > 0 else { return nil }
    let digits = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
    return Int32(String(decoding: digits, as: UTF8.self))
  }
}
