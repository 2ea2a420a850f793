/// One segment file, open for as long as anybody refers to it: removing the file takes nothing from
/// whoever still reads it.
///
/// Reading touches only what lies before the end of whole records. Nobody ever shortens a segment to
/// less than that, so no mapping can lose its bytes (SIGBUS).
///
/// `Sendable`, unchecked: what changes is behind a lock.
@safe
final class SegmentFile: @unchecked Sendable {
  let number: Int
  let path: String
  let header: SegmentFileHeader
  let file: FileDescriptor
  private let disk: any Disk
  /// Bytes that a mapping covers at least, so that a file that grows is not mapped anew for each record.
  private let mappedBytes: Int
  private let mapping = StoreLock<Mapping?>(nil)

  init(
    number: Int, path: String, header: SegmentFileHeader, file: FileDescriptor, disk: any Disk,
    mappedBytes: Int
  ) {
    self.number = number
    self.path = path
    self.header = header
    self.file = file
    self.disk = disk
    self.mappedBytes = mappedBytes
  }

  deinit { disk.close(file) }

  /// Calls `body` with the bytes in `range`, which must belong to whole records.
  ///
  /// - Parameter isMapped: whether to try a mapping first. When the system refuses one, the bytes are
  ///   read.
  func withBytes<R, E>(
    _ range: Range<Int>, isMapped: Bool, _ body: (RawSpan) throws(E) -> R
  ) throws(SegmentReadError<E>) -> R {
    if isMapped, let mapping = mapping(upTo: range.upperBound) {
      do throws(E) {
        return try unsafe body(UnsafeRawBufferPointer(rebasing: mapping.bytes[range]).bytes)
      } catch {
        throw .body(error)
      }
    }
    let bytes: [UInt8]
    do throws(DiskError) {
      bytes = try read(range)
    } catch {
      throw .disk(error)
    }
    do throws(E) {
      return try body(bytes.rawSpan)
    } catch {
      throw .body(error)
    }
  }

  /// The bytes in `range`; fewer where the file ends before.
  func read(_ range: Range<Int>) throws(DiskError) -> [UInt8] {
    try disk.readAll(file, range)
  }

  /// Writes all of `bytes`.
  func write(_ bytes: [UInt8], at offset: Int) throws(DiskError) {
    try disk.writeAll(file, bytes, at: offset, path: path)
  }

  private func mapping(upTo end: Int) -> Mapping? {
    mapping.withLock { mapping in
      if let mapping, mapping.byteCount >= end { return mapping }
      // A refusal is asked again next time: the memory may be there then.
      mapping = try? Mapping(file, byteCount: max(end, mappedBytes), disk: disk)
      return mapping
    }
  }

  /// `Sendable`, unchecked: the address never changes, and nobody writes through it.
  @safe
  private final class Mapping: @unchecked Sendable {
    let byteCount: Int
    private let address: UnsafeRawPointer
    private let disk: any Disk

    var bytes: UnsafeRawBufferPointer {
      unsafe UnsafeRawBufferPointer(start: address, count: byteCount)
    }

    init(_ file: FileDescriptor, byteCount: Int, disk: any Disk) throws(DiskError) {
      unsafe address = try disk.map(file, byteCount: byteCount)
      self.byteCount = byteCount
      self.disk = disk
    }

    deinit { unsafe disk.unmap(address, byteCount: byteCount) }
  }
}

/// Why reading from a segment failed: the disk, or what was done with the bytes.
enum SegmentReadError<Body: Error>: Error {
  case disk(DiskError)
  case body(Body)
}
