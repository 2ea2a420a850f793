/// Something that went wrong in the background, or was found when the store was opened. Each is
/// reported once.
package struct StoreReport: Sendable, Equatable, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    /// The end of a segment was never finished, as after a crash, and is not used.
    case tornTail
    /// A record whose header or metadata fail their checksum: its block is not known.
    case damagedRecord
    /// A frame whose bytes fail their checksum.
    case damagedFrame
    /// What a process has left that was killed while it made a segment.
    case strayFile
    /// A file that is no segment, or of another version; it is kept.
    case unreadableSegment
    /// The background could not write.
    case writeFailed
    /// The background could not read; the bytes are kept.
    case readFailed
    /// The trace of requests could not be written on.
    case traceFailed
  }

  package let kind: Kind
  /// One sentence: what, where, what it means.
  package let message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var description: String { message }
}
