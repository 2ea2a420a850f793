/// Why the catalog cannot be opened, read or written. The description is one sentence: what, where,
/// and what to do about it.
package struct CatalogError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The file is no catalog, or not the bytes that were written.
    case damaged
    /// A later version wrote it.
    case tooNew
    /// The folder or the file may not be written, or is not there.
    case inaccessible
    /// Another process holds it for too long.
    case busy
    /// The disk has no room.
    case full
    /// Anything else that SQLite says.
    case failed
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
