import Generation
import Glibc

/// Where a batch's results go. A file is the journal as well: what it holds has been done.
///
/// Each result is appended by one `write(2)`, so that a killed process leaves whole ones. At least each
/// second in which there were some they are forced to the disk (`fdatasync`), and so they are at the end:
/// a power cut costs the last second's, which are then made again.
final class BatchOutput {
  private static let syncInterval = Duration.seconds(1)

  /// Nil where what is written cannot be read again: standard output, a pipe.
  let journal: BatchJournal?

  private let output: Output
  private let isOurs: Bool
  /// Bytes that are whole results.
  private var length = 0
  private var isUnsynced = false
  private var synced = ContinuousClock.now

  /// - Parameters:
  ///   - path: `-` for standard output.
  ///   - input: the identity of the file that is read, which must be another one.
  ///   - restarts: whether what is there is thrown away.
  init(path: String, besides input: [UInt64]?, restarts: Bool) throws {
    if path == "-" {
      (output, isOurs, journal) = (.standard, false, nil)
      return
    }
    let isFile = FileStatus(at: path)?.isRegularFile ?? true
    // One that is made is there after a power cut only when its folder has been told.
    let isNew = FileStatus(at: path) == nil
    let mode = isFile ? O_RDWR | O_CREAT | O_APPEND : O_WRONLY
    let descriptor = unsafe open(path, mode | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw OutputError.failed(name: path, code: errno) }
    let output = Output(descriptor: descriptor, name: path)
    do {
      journal = try isFile ? Self.journal(of: output, besides: input, restarts: restarts) : nil
    } catch {
      close(descriptor)
      throw error
    }
    if isNew { Self.syncFolder(of: path) }
    self.output = output
    isOurs = true
    length = journal?.length ?? 0
  }

  deinit { if isOurs { close(output.descriptor) } }

  /// Locks the file, reads what it says, and cuts off what was not written whole.
  private static func journal(
    of output: Output, besides input: [UInt64]?, restarts: Bool
  ) throws -> BatchJournal {
    let (name, descriptor) = (output.name, output.descriptor)
    if let input, FileStatus(of: descriptor)?.identity == input {
      throw InputError("\(name) is the input as well; name another file for the results.")
    }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK:
        throw InputError(
          "another process is writing its results to \(name); wait for it to end, or name another "
            + "file.")
      case let code: throw InputError("\(name) cannot be locked: \(SystemError(code)).")
      }
    }
    var journal = BatchJournal()
    guard !restarts else {
      try truncate(output, to: 0)
      return journal
    }
    var splitter = LineSplitter(limit: .max)
    do {
      try InputFile.read(descriptor, name: name) { piece in
        try splitter.add(piece) { (line) throws(BatchJournal.Fault) in try journal.take(line) }
      }
      if let last = splitter.finish() { try journal.take(last) }
    } catch let fault as BatchJournal.Fault {
      throw InputError(
        "\(name), line \(fault.line), \(fault.description); name another file, or begin it anew with "
          + "--restart.")
    }
    if journal.isTorn { try truncate(output, to: journal.length) }
    return journal
  }

  private static func truncate(_ output: Output, to length: Int) throws {
    guard ftruncate(output.descriptor, length) == 0 else {
      throw InputError("\(output.name) cannot be cut: \(SystemError(errno)).")
    }
  }

  private static func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// Appends a result. One that cannot be written whole is taken back.
  func append(_ line: String) throws {
    do {
      try output.write(line)
    } catch {
      if journal != nil { _ = ftruncate(output.descriptor, length) }
      throw error
    }
    length += line.utf8.count
    isUnsynced = true
    try syncIfDue()
  }

  /// To be called now and then.
  func syncIfDue() throws {
    if ContinuousClock.now - synced >= Self.syncInterval { try sync() }
  }

  /// Forces what was written to the disk.
  func sync() throws {
    guard journal != nil, isUnsynced else { return }
    guard fdatasync(output.descriptor) == 0 else {
      throw OutputError.failed(name: output.name, code: errno)
    }
    (isUnsynced, synced) = (false, ContinuousClock.now)
  }
}
