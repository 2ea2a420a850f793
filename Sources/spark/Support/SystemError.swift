import Glibc

/// An error number of the system and its text.
struct SystemError: CustomStringConvertible {
  let code: Int32

  init(_ code: Int32) { self.code = code }

  var description: String { unsafe String(cString: strerror(code)) }
}
