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

  /// Where such files may be where there is no better place: `TMPDIR`, or `/var/tmp`, which is
  /// seldom in memory.
  package static var temporaryFolder: String {
    guard let folder = unsafe getenv("TMPDIR") else { return "/var/tmp" }
    return unsafe String(cString: folder)
  }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    unsafe try disk.writeAll(file, bytes, at: offset, path: path)
  }

  /// Reads as many bytes as `bytes` has room for.
  package func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) {
    guard unsafe try disk.readAll(file, at: offset, into: bytes) == bytes.count else {
      throw DiskError(.failed, operation: "read", path: path, reason: "it is too short")
    }
  }
}
