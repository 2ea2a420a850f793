/// Why the store cannot do what was asked. The description is one sentence: what, where, and what to
/// do about it.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// An option or an argument is out of its range.
    case options
    /// The system refused memory.
    case memory
    /// The disk, or the disk budget, has no room.
    case full
    /// The disk failed, or may not be used.
    case disk
    /// Bytes on disk fail their checksum.
    case damaged
    /// No tier has it.
    case missing
    /// The frame is there, but every slot it could be read into is in use.
    case busy
    /// The store was closed.
    case closed
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
