/// Everything that the store asks of the system: files, mappings, memory. It comes in through an
/// initializer, so that tests can fail any of it.
package protocol Disk: Sendable {
  /// Opens a file. `.create` makes a new one and fails where one exists.
  func open(_ path: String, _ mode: FileMode) throws(DiskError) -> FileDescriptor
  func close(_ file: FileDescriptor)

  /// Reads up to `buffer.count` bytes at `offset`; fewer is allowed, 0 means the file's end.
  func read(
    _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int

  /// Writes up to `buffer.count` bytes at `offset`; fewer is allowed.
  func write(
    _ file: FileDescriptor, at offset: Int, _ buffer: UnsafeRawBufferPointer
  ) throws(DiskError) -> Int

  /// Returns once the file's bytes and length would survive a loss of power.
  func sync(_ file: FileDescriptor) throws(DiskError)
  /// The same for the names in a folder.
  func syncFolder(_ path: String) throws(DiskError)

  func size(_ file: FileDescriptor) throws(DiskError) -> Int
  func truncate(_ file: FileDescriptor, to byteCount: Int) throws(DiskError)
  func rename(_ path: String, to newPath: String) throws(DiskError)
  func remove(_ path: String) throws(DiskError)
  /// The names in a folder, in no order.
  func list(_ path: String) throws(DiskError) -> [String]
  /// Makes a folder and those above it, unless they exist.
  func makeFolder(_ path: String) throws(DiskError)
  /// Bytes that may still be written below `path`.
  func freeBytes(_ path: String) throws(DiskError) -> Int

  /// Takes a lock on the open file for as long as it is open.
  ///
  /// - Returns: whether it was taken; always true when `waits`.
  func lock(_ file: FileDescriptor, _ lock: FileLock, waits: Bool) throws(DiskError) -> Bool

  /// Maps the file's first `byteCount` bytes for reading. They may go beyond its end: what is there
  /// must not be touched until the file has grown.
  func map(_ file: FileDescriptor, byteCount: Int) throws(DiskError) -> UnsafeRawPointer
  func unmap(_ address: UnsafeRawPointer, byteCount: Int)

  /// Reserves zeroed memory that costs nothing until it is touched, aligned to pages.
  func reserve(_ byteCount: Int) throws(DiskError) -> UnsafeMutableRawPointer
  /// Gives the pages back to the system; they read as zeroes afterwards.
  func decommit(_ address: UnsafeMutableRawPointer, byteCount: Int)
  func release(_ address: UnsafeMutableRawPointer, byteCount: Int)
}

package struct FileDescriptor: Hashable, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }
}

package enum FileMode: Sendable {
  case read
  /// Reading and writing of a file that exists.
  case write
  /// Reading and writing of a file that must not exist yet.
  case create
  /// Reading and writing of a file that is made where it is missing.
  case openOrCreate
}

package enum FileLock: Sendable {
  case shared
  case exclusive
  case none
}

/// A system call that failed.
package struct DiskError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    /// No room: ENOSPC or EDQUOT.
    case full
    /// The store's own budget has no room, whatever the disk has.
    case overBudget
    case missing
    case exists
    case noPermission
    case noMemory
    case readOnly
    /// The device failed, or anything else.
    case failed
  }

  package let kind: Kind
  /// Such as `write`.
  package let operation: String
  package let path: String
  /// What the system calls it.
  package let reason: String

  package init(_ kind: Kind, operation: String, path: String, reason: String) {
    self.kind = kind
    self.operation = operation
    self.path = path
    self.reason = reason
  }

  package var description: String { "\(path): cannot \(operation): \(reason)" }
}

extension Disk {
  /// The bytes in `range`; fewer where the file ends before.
  func readAll(_ file: FileDescriptor, _ range: Range<Int>) throws(DiskError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    var span = bytes.mutableSpan
    let count = try unsafe span.withUnsafeMutableBytes { (buffer) throws(DiskError) in
      unsafe try readAll(file, at: range.lowerBound, into: buffer)
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Fills `buffer`.
  ///
  /// - Returns: bytes read; fewer than there is room for where the file ends before.
  func readAll(
    _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    var count = 0
    while count < buffer.count {
      let got = unsafe try read(
        file, at: offset + count,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      if got == 0 { break }
      count += got
    }
    return count
  }

  /// Writes all of `bytes`.
  func writeAll(
    _ file: FileDescriptor, _ bytes: [UInt8], at offset: Int, path: String
  ) throws(DiskError) {
    try unsafe bytes.span.withUnsafeBytes { (buffer) throws(DiskError) in
      unsafe try writeAll(file, buffer, at: offset, path: path)
    }
  }

  func writeAll(
    _ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int, path: String
  ) throws(DiskError) {
    var count = 0
    while count < bytes.count {
      let written = unsafe try write(
        file, at: offset + count, UnsafeRawBufferPointer(rebasing: bytes[count...]))
      guard written > 0 else {
        throw DiskError(.full, operation: "write", path: path, reason: "nothing was written")
      }
      count += written
    }
  }
}
