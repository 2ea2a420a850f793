internal import Cascade
internal import Glibc

/// What sessions may be called, and what they are called when nobody says.
enum SessionNames {
  private static let longest = 200

  static func check(_ name: String, namespace: String) throws(EngineError) {
    for (what, name) in [("name", name), ("namespace", namespace)] {
      let isPlain = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
      guard !name.isEmpty, name.utf8.count <= longest, isPlain else {
        throw EngineError(
          .session,
          "a session's \(what) is 1 to \(longest) bytes long and has no control characters; choose another one."
        )
      }
    }
  }

  /// The `number`th name of a day: `2026-03-14-1`, by this machine's calendar.
  static func name(at seconds: Int64, number: Int) -> String {
    var time = time_t(seconds)
    var date = unsafe tm()
    unsafe localtime_r(&time, &date)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return unsafe "\(date.tm_year + 1900)-\(two(date.tm_mon + 1))-\(two(date.tm_mday))-\(number)"
  }

  static func isTaken(_ name: String, in namespace: String) -> EngineError {
    EngineError(
      .session, "the namespace \(namespace) has a session \(name) already; choose another name.")
  }

  static func isMissing(_ name: String, in namespace: String) -> EngineError {
    EngineError(
      .session,
      "the namespace \(namespace) has no session \(name); spark session list names those that are there."
    )
  }
}

extension SessionLock {
  /// A session's lock; nil where sessions end with the engine, and nobody else has them.
  static func take(
    _ session: KeptSession, directory: String?
  ) throws(EngineError) -> SessionLock? {
    guard let directory else { return nil }
    do throws(Failure) {
      return try SessionLock(directory: directory, session: session.id)
    } catch {
      switch error {
      case .held(let holder): throw EngineError.session(session.name, isHeldBy: holder)
      case .inaccessible(let path, let code):
        let reason = unsafe String(cString: strerror(code))
        throw EngineError(
          .session,
          "\(path) cannot be made (\(reason)); the session \(session.name) cannot be locked.")
      }
    }
  }
}

extension EngineError {
  /// - Parameter process: who holds it; nil: it has not said.
  static func session(_ name: String, isHeldBy process: Int32?) -> EngineError {
    let who = process.map { $0 == getpid() ? "this process" : "process \($0)" }
    return EngineError(
      .session,
      "the session \(name) is in use by \(who ?? "another process"); end that one, or go on in a fork."
    )
  }
}
