internal import Glibc

/// Where a snapshot is read: front to back, and then once more.
///
/// What cannot go back, such as a pipe, is copied on the way to a file without a name, which the system
/// removes when the process ends.
package final class SnapshotSource {
  /// What messages call it.
  package let name: String
  private let descriptor: Int32
  private let isOwned: Bool
  /// Where the snapshot begins; nil where one cannot go back.
  private let start: off_t?
  /// What was read before there was a copy.
  private var early: [UInt8] = []
  private var copy: Int32 = -1
  /// Whether the copy is being read.
  private var isReplaying = false
  /// Asked now and then while there is nothing to be read: a pipe may keep silent for ever.
  var isCancelled: () -> Bool = { false }

  /// Opens a file.
  package convenience init(path: String) throws(SnapshotError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SnapshotError(reading: path, errno) }
    self.init(descriptor, name: path, isOwned: true)
  }

  /// - Parameter isOwned: whether the descriptor is closed with this object.
  package init(_ descriptor: Int32, name: String, isOwned: Bool = false) {
    self.descriptor = descriptor
    self.name = name
    self.isOwned = isOwned
    let position = lseek(descriptor, 0, SEEK_CUR)
    start = position >= 0 ? position : nil
  }

  deinit {
    if copy >= 0 { close(copy) }
    if isOwned { close(descriptor) }
  }

  /// Reads up to `count` bytes behind `bytes`.
  ///
  /// - Returns: how many; 0 at the end.
  func read(_ count: Int, into bytes: inout [UInt8]) throws(SnapshotError) -> Int {
    let from = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: count))
    let file = isReplaying ? copy : descriptor
    var got = 0
    while true {
      if start == nil, !isReplaying { try wait() }
      got = unsafe bytes.withUnsafeMutableBytes {
        unsafe Glibc.read(file, $0.baseAddress! + from, count)
      }
      if got >= 0 { break }
      switch errno {
      case EINTR, EAGAIN: continue
      case let code: throw SnapshotError(reading: name, code)
      }
    }
    bytes.removeLast(count - got)
    if start == nil, !isReplaying, got > 0 { try keep(bytes[from...]) }
    return got
  }

  /// Waits until there is something to be read.
  private func wait() throws(SnapshotError) {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while unsafe poll(&request, 1, 100) <= 0 {
      if isCancelled() { throw .cancelled }
    }
  }

  private func keep(_ bytes: ArraySlice<UInt8>) throws(SnapshotError) {
    guard copy >= 0 else {
      early += bytes
      return
    }
    try DescriptorSink(copy, name: "the copy of \(name)").write(Array(bytes))
  }

  /// Says where a copy is kept if one is needed. To be called before much was read.
  func prepareToRewind(copyingTo folder: String) throws(SnapshotError) {
    guard start == nil, copy < 0 else { return }
    let (file, path) = makeTemporaryFile(beginning: folder + "/import")
    guard file >= 0 else { throw SnapshotError(writing: folder, errno) }
    _ = unsafe unlink(path)
    copy = file
    let bytes = early
    early = []
    try keep(bytes[...])
  }

  /// Goes back to where the snapshot begins.
  func rewind() throws(SnapshotError) {
    isReplaying = start == nil
    guard lseek(isReplaying ? copy : descriptor, start ?? 0, SEEK_SET) >= 0 else {
      throw SnapshotError(reading: name, errno)
    }
  }
}
