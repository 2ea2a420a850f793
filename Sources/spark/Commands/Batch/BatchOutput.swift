import Generation
import Glibc

/// Where a batch's results go. A file is the journal as well: what it holds has been done.
///
/// Each result is appended by one `write(2)`, so that a killed process leaves whole ones. At least each
/// second in which there were some they are forced to the disk (`fdatasync`), and so they are at the end:
/// a power cut costs the last second's, which are then made again.
final class BatchOutput {
  private static let syncInterval = Duration.seconds(1)

  /// What the file holds once ``begin()`` has been called. Nil where what is written cannot be read again:
  /// standard output, a pipe.
  let journal: BatchJournal?

  /// What is to be done to a file before results are appended.
  private enum Preparation {
    case nothing
    /// It is cut to so many bytes.
    case cut(Int)
    /// The results of prompts that were not answered are taken out.
    case dropFailures
  }

  private var output: Output
  private let isOurs: Bool
  private var preparation = Preparation.nothing
  /// Bytes that are whole results.
  private var length = 0
  private var isUnsynced = false
  private var synced = ContinuousClock.now

  /// Opens the output, locks it and reads what has been done. Nothing in it changes before ``begin()``, so
  /// that a run that turns out to be impossible costs nobody a result.
  ///
  /// - Parameters:
  ///   - path: `-` for standard output.
  ///   - input: the identity of the file that is read, which must be another one.
  ///   - restarts: whether what is there is thrown away.
  ///   - retriesFailed: whether results of prompts that could not be answered are.
  init(path: String, besides input: [UInt64]?, restarts: Bool, retriesFailed: Bool) throws {
    if path == "-" {
      (output, isOurs, journal) = (.standard, false, nil)
      return
    }
    isOurs = true
    guard FileStatus(at: path)?.isRegularFile ?? true else {
      output = try Self.open(path, O_WRONLY)
      journal = nil
      return
    }
    let output = try Self.openLocked(path, besides: input)
    self.output = output
    if restarts {
      (journal, preparation) = (BatchJournal(), .cut(0))
      return
    }
    do {
      let found = try Self.journal(of: output)
      length = found.length
      if retriesFailed, found.failed > 0 {
        (journal, preparation) = (found.withoutFailures, .dropFailures)
      } else {
        journal = found
        if found.isTorn { preparation = .cut(found.length) }
      }
    } catch {
      close(output.descriptor)
      throw error
    }
  }

  /// Makes the file what ``journal`` says that it is. To be called once, before the first result.
  func begin() throws {
    guard journal != nil else { return }
    switch preparation {
    case .nothing: break
    case .cut(let length):
      try Self.truncate(output, to: length)
      self.length = length
    case .dropFailures:
      let (rest, length) = try Self.withoutFailures(output, length: length)
      close(output.descriptor)
      (output, self.length) = (rest, length)
    }
    // One that was made is there after a power cut only when its folder has been told.
    Self.syncFolder(of: Self.realPath(of: output.name) ?? output.name)
  }

  deinit { if isOurs { close(output.descriptor) } }

  private static func open(
    _ path: String, _ mode: Int32, permissions: mode_t = 0o666
  ) throws -> Output {
    let descriptor = unsafe Glibc.open(path, mode | O_CLOEXEC, permissions)
    guard descriptor >= 0 else { throw OutputError.failed(name: path, code: errno) }
    return Output(descriptor: descriptor, name: path)
  }

  /// The results' file, made where there is none, and nobody else's while it is open.
  private static func openLocked(_ path: String, besides input: [UInt64]?) throws -> Output {
    while true {
      let output = try open(path, O_RDWR | O_CREAT | O_APPEND)
      do {
        if let input, FileStatus(of: output.descriptor)?.identity == input {
          throw InputError("\(path) is the input as well; name another file for the results.")
        }
        try lock(output)
      } catch {
        close(output.descriptor)
        throw error
      }
      // Whoever had it before may have put another file in its place.
      if FileStatus(at: path)?.identity == FileStatus(of: output.descriptor)?.identity {
        return output
      }
      close(output.descriptor)
    }
  }

  private static func lock(_ output: Output) throws {
    while flock(output.descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK:
        throw InputError(
          "another process is writing its results to \(output.name); wait for it to end, or name "
            + "another file.")
      case let code: throw InputError("\(output.name) cannot be locked: \(SystemError(code)).")
      }
    }
  }

  /// What the file says.
  private static func journal(of output: Output) throws -> BatchJournal {
    var journal = BatchJournal()
    do {
      try forEachLine(of: output) { try journal.take($0) }
    } catch let fault as BatchJournal.Fault {
      throw InputError(
        "\(output.name), line \(fault.line), \(fault.description); name another file, or begin it anew "
          + "with --restart.")
    }
    return journal
  }

  private static func forEachLine(
    of output: Output, _ body: (InputLine) throws -> Void
  ) throws {
    guard lseek(output.descriptor, 0, SEEK_SET) == 0 else {
      throw InputError("\(output.name) cannot be read: \(SystemError(errno)).")
    }
    var splitter = LineSplitter(limit: .max)
    try InputFile.read(output.descriptor, name: output.name) { try splitter.add($0, body) }
    if let last = splitter.finish() { try body(last) }
  }

  /// Puts a file without the results of prompts that were not answered in the place of `output`, whole or
  /// not at all: in the place of the file itself, where a link leads to it, and with its permissions.
  ///
  /// - Parameter length: bytes of `output` that are whole results.
  /// - Returns: the file, and its bytes.
  private static func withoutFailures(_ output: Output, length: Int) throws -> (Output, Int) {
    guard let path = realPath(of: output.name), let status = FileStatus(of: output.descriptor)
    else { throw OutputError.failed(name: output.name, code: errno) }
    // Nobody else's file is written to, whatever it is called.
    let name = "\(path).\(getpid()).new"
    let rest = try open(name, O_RDWR | O_CREAT | O_EXCL | O_APPEND, permissions: 0o600)
    var kept = 0
    do {
      try lock(rest)
      try forEachLine(of: output) { line in
        guard line.end <= length, !BatchJournal.isFailure(line) else { return }
        let bytes = line.bytes + [UInt8(ascii: "\n")]
        try unsafe rest.write(bytes.span.bytes)
        kept += bytes.count
      }
      guard fchmod(rest.descriptor, status.permissions) == 0, fdatasync(rest.descriptor) == 0,
        unsafe rename(name, path) == 0
      else { throw OutputError.failed(name: name, code: errno) }
    } catch {
      close(rest.descriptor)
      _ = unsafe unlink(name)
      throw error
    }
    return (Output(descriptor: rest.descriptor, name: path), kept)
  }

  /// The path of the file itself, without links; nil where there is none.
  private static func realPath(of path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private static func truncate(_ output: Output, to length: Int) throws {
    guard ftruncate(output.descriptor, length) == 0 else {
      throw InputError("\(output.name) cannot be cut: \(SystemError(errno)).")
    }
  }

  private static func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = unsafe Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
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
