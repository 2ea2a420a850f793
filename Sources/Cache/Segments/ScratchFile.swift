#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Bytes that need not outlive the process, outside its memory: a file that has lost its name as soon as it is
/// made, so that nothing is left of it however the process ends.
package final class ScratchFile: Sendable {
  private let disk: any Disk
  private let file: FileDescriptor
  private let path: String

  /// - Parameters:
  ///   - folder: an existing one.
  ///   - name: unlike that of any other file there.
  package init(in folder: String, name: String, disk: any Disk) throws(DiskError) {
    self.disk = disk
    path = "\(folder)/\(name)"
    file = try disk.open(path, .create)
    do throws(DiskError) {
      try disk.remove(path)
    } catch {
      disk.close(file)
      throw error
    }
  }

  deinit { disk.close(file) }

  /// Where such files may be where there is no better place: `TMPDIR`, or `/tmp`.
  package static var temporaryFolder: String {
    guard let folder = unsafe getenv("TMPDIR") else { return "/tmp" }
    return unsafe String(cString: folder)
  }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    var count = 0
    while count < bytes.count {
      let written = unsafe try disk.write(
        file, at: offset + count, UnsafeRawBufferPointer(rebasing: bytes[count...]))
      guard written > 0 else {
        throw DiskError(.full, operation: "write", path: path, reason: "nothing was written")
      }
      count += written
    }
  }

  /// Reads as many bytes as `bytes` has room for.
  package func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) {
    var count = 0
    while count < bytes.count {
      let got = unsafe try disk.read(
        file, at: offset + count, into: UnsafeMutableRawBufferPointer(rebasing: bytes[count...]))
      guard got > 0 else {
        throw DiskError(.failed, operation: "read", path: path, reason: "it is too short")
      }
      count += got
    }
  }
}
