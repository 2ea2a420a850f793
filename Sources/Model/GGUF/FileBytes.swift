#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file's bytes, mapped read-only, or a copy of bytes that were in memory; freed with the last
/// reference.
///
/// It is `Sendable`, unchecked, because the memory is written before `init` returns and never
/// after, and the pointer never changes. A file that another process shortens while it is mapped
/// ends this process with SIGBUS, as with every memory-mapped model.
@safe
final class FileBytes: @unchecked Sendable {
  /// The bytes. Valid while this object lives: keep a reference to it beside every copy of this.
  let buffer: UnsafeRawBufferPointer

  private let isMapped: Bool

  var count: Int { unsafe buffer.count }

  /// Maps the file at `path`.
  init(path: String) throws(GGUFError) {
    func fail(_ message: String) -> GGUFError { GGUFError(file: path, message: message) }

    // Without O_NONBLOCK, opening a named pipe waits for a writer that may never come.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      throw fail("cannot open the model file: \(Self.reason(code)).")
    }
    defer { close(descriptor) }

    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let code = errno
      throw fail("cannot read the model file's size: \(Self.reason(code)).")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw fail("it is a directory; name the .gguf file inside it.")
    default:
      throw fail("it is not a regular file; a model has to be one, so that it can be mapped.")
    }
    guard status.st_size > 0 else {
      throw fail("the file is empty; the download may have failed, fetch it again.")
    }

    let length = Int(status.st_size)
    let mapping = unsafe mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      let code = errno
      throw fail("cannot map the file's \(length) bytes into memory: \(Self.reason(code)).")
    }
    unsafe buffer = UnsafeRawBufferPointer(start: mapping, count: length)
    isMapped = true
  }

  /// Copies `bytes`.
  init(copying bytes: [UInt8]) {
    // The alignment that a mapping would have at least, so that kernels see no difference.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    unsafe copy.copyBytes(from: bytes)
    unsafe buffer = UnsafeRawBufferPointer(copy)
    isMapped = false
  }

  deinit {
    if isMapped {
      unsafe munmap(UnsafeMutableRawPointer(mutating: buffer.baseAddress!), buffer.count)
    } else {
      unsafe buffer.deallocate()
    }
  }

  /// Lets the system take back the memory of `range`, which was read and is not needed soon. Reading
  /// it again is allowed and costs a page fault.
  func evict(_ range: Range<Int>) {
    guard isMapped else { return }
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    let start = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    guard start < end else { return }
    unsafe madvise(
      UnsafeMutableRawPointer(mutating: buffer.baseAddress! + start), end - start, MADV_DONTNEED)
  }

  /// The little-endian value at `offset`, which need not be aligned.
  ///
  /// - Precondition: the value lies inside the file.
  func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    precondition(
      offset >= 0 && offset <= count - MemoryLayout<T>.size,
      "offset \(offset) is outside a file of \(count) bytes")
    return T(littleEndian: unsafe buffer.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// Calls `body` with the bytes in `range`, which must lie inside the file.
  func withBytes<R, E>(
    in range: Range<Int>, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let slice = unsafe UnsafeRawBufferPointer(rebasing: buffer[range])
    return try body(unsafe slice.assumingMemoryBound(to: UInt8.self).span)
  }

  /// The text in `range`; bytes that are not UTF-8 become U+FFFD.
  func text(in range: Range<Int>) -> String {
    unsafe String(decoding: buffer[range], as: UTF8.self)
  }

  private static func reason(_ code: CInt) -> String {
    unsafe String(cString: strerror(code))
  }
}
