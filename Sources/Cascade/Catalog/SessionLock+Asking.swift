internal import Glibc

/// Who holds sessions, without holding them.
extension SessionLock {
  /// One that somebody holds.
  package struct Holder: Sendable, Equatable {
    /// The process, where it has said which it is.
    package let process: Int32?

    /// Whether it is this process.
    package var isSelf: Bool { process == getpid() }

    package init(process: Int32?) { self.process = process }
  }

  /// Who holds a session; nil when nobody does.
  ///
  /// A shared lock is taken and let go at once: two that ask do not see each other, and one that takes the
  /// session meanwhile waits that long.
  package static func holder(of session: Int64, in directory: String) -> Holder? {
    let file = unsafe open(path(directory, session), O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    while flock(file, LOCK_SH | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      return errno == EWOULDBLOCK ? Holder(process: holder(file)) : nil
    }
    return nil
  }

  /// The sessions that have a lock's file, held or not.
  package static func files(in directory: String) -> Set<Int64> {
    guard let folder = unsafe opendir("\(directory)/locks") else { return [] }
    defer { unsafe closedir(folder) }
    var sessions: Set<Int64> = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      guard name.hasPrefix("session-"), let session = Int64(name.dropFirst(8)) else { continue }
      sessions.insert(session)
    }
    return sessions
  }

  /// Every session that somebody holds.
  package static func held(in directory: String) -> [Int64: Holder] {
    var held: [Int64: Holder] = [:]
    for session in files(in: directory) {
      if let holder = holder(of: session, in: directory) { held[session] = holder }
    }
    return held
  }
}
