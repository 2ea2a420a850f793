#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The system's own files and memory.
package struct SystemDisk: Disk {
  package init() {}

  package func open(_ path: String, _ mode: FileMode) throws(DiskError) -> FileDescriptor {
    let flags =
      switch mode {
      case .read: O_RDONLY
      case .write: O_RDWR
      case .create: O_RDWR | O_CREAT | O_EXCL
      case .openOrCreate: O_RDWR | O_CREAT
      }
    // What a model remembers is its owner's alone.
    let result = System.open(path, flags | O_CLOEXEC, 0o600)
    guard result >= 0 else { throw Self.error("open", path) }
    return FileDescriptor(rawValue: result)
  }

  package func close(_ file: FileDescriptor) { _ = System.close(file.rawValue) }

  package func read(
    _ file: FileDescriptor, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    while true {
      let count = unsafe pread(file.rawValue, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      if errno != EINTR { throw Self.error("read", name(file)) }
    }
  }

  package func write(
    _ file: FileDescriptor, at offset: Int, _ buffer: UnsafeRawBufferPointer
  ) throws(DiskError) -> Int {
    while true {
      let count = unsafe pwrite(file.rawValue, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      if errno != EINTR { throw Self.error("write", name(file)) }
    }
  }

  package func sync(_ file: FileDescriptor) throws(DiskError) {
    guard fdatasync(file.rawValue) == 0 else { throw Self.error("sync", name(file)) }
  }

  package func syncFolder(_ path: String) throws(DiskError) {
    let folder = System.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    guard folder >= 0 else { throw Self.error("open", path) }
    defer { _ = System.close(folder) }
    guard fsync(folder) == 0 else { throw Self.error("sync", path) }
  }

  package func size(_ file: FileDescriptor) throws(DiskError) -> Int {
    var status = stat()
    guard unsafe fstat(file.rawValue, &status) == 0 else {
      throw Self.error("read the size", name(file))
    }
    return Int(status.st_size)
  }

  package func truncate(_ file: FileDescriptor, to byteCount: Int) throws(DiskError) {
    guard ftruncate(file.rawValue, off_t(byteCount)) == 0 else {
      throw Self.error("shorten", name(file))
    }
  }

  package func rename(_ path: String, to newPath: String) throws(DiskError) {
    guard System.rename(path, newPath) == 0 else { throw Self.error("rename", path) }
  }

  package func remove(_ path: String) throws(DiskError) {
    guard unsafe unlink(path) == 0 else { throw Self.error("remove", path) }
  }

  package func list(_ path: String) throws(DiskError) -> [String] {
    guard let folder = unsafe opendir(path) else { throw Self.error("list", path) }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  package func makeFolder(_ path: String) throws(DiskError) {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw Self.error("make the folder", path)
    }
    try makeFolder(String(path[..<slash]))
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw Self.error("make the folder", path)
    }
  }

  package func freeBytes(_ path: String) throws(DiskError) -> Int {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { throw Self.error("read the free space", path) }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  package func lock(
    _ file: FileDescriptor, _ lock: FileLock, waits: Bool
  ) throws(DiskError) -> Bool {
    let kind =
      switch lock {
      case .shared: LOCK_SH
      case .exclusive: LOCK_EX
      case .none: LOCK_UN
      }
    while flock(file.rawValue, kind | (waits ? 0 : LOCK_NB)) != 0 {
      if errno == EWOULDBLOCK { return false }
      if errno != EINTR { throw Self.error("lock", name(file)) }
    }
    return true
  }

  package func map(
    _ file: FileDescriptor, byteCount: Int
  ) throws(DiskError) -> UnsafeRawPointer {
    let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, file.rawValue, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw Self.error("map", name(file))
    }
    return UnsafeRawPointer(address)
  }

  package func unmap(_ address: UnsafeRawPointer, byteCount: Int) {
    unsafe munmap(UnsafeMutableRawPointer(mutating: address), byteCount)
  }

  package func reserve(_ byteCount: Int) throws(DiskError) -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw Self.error("reserve \(byteCount >> 20) MiB", "memory")
    }
    return unsafe address
  }

  package func decommit(_ address: UnsafeMutableRawPointer, byteCount: Int) {
    unsafe madvise(address, byteCount, MADV_DONTNEED)
  }

  package func release(_ address: UnsafeMutableRawPointer, byteCount: Int) {
    unsafe munmap(address, byteCount)
  }

  /// The path of an open file, for messages; it is looked up only after a failure.
  private func name(_ file: FileDescriptor) -> String {
    let code = errno
    defer { errno = code }
    let target = unsafe realpath("/proc/self/fd/\(file.rawValue)", nil)
    guard let target = unsafe target else { return "file \(file.rawValue)" }
    defer { unsafe free(target) }
    return unsafe String(cString: target)
  }

  private static func error(_ operation: String, _ path: String) -> DiskError {
    let code = errno
    let kind: DiskError.Kind =
      switch code {
      case ENOSPC, EDQUOT: .full
      case ENOENT: .missing
      case EEXIST: .exists
      case EACCES, EPERM: .noPermission
      case ENOMEM: .noMemory
      case EROFS: .readOnly
      default: .failed
      }
    return DiskError(
      kind, operation: operation, path: path, reason: unsafe String(cString: strerror(code)))
  }
}

/// The functions of the C library whose names the methods above take.
private enum System {
  #if canImport(Musl)
    static func open(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
      unsafe Musl.open(path, flags, mode)
    }
    static func close(_ file: CInt) -> CInt { Musl.close(file) }
    static func rename(_ path: String, _ newPath: String) -> CInt {
      unsafe Musl.rename(path, newPath)
    }
  #else
    static func open(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
      unsafe Glibc.open(path, flags, mode)
    }
    static func close(_ file: CInt) -> CInt { Glibc.close(file) }
    static func rename(_ path: String, _ newPath: String) -> CInt {
      unsafe Glibc.rename(path, newPath)
    }
  #endif
}
