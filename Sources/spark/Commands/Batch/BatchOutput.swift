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
    var output = try Self.openLocked(path, besides: input)
    do {
      if restarts { try Self.truncate(output, to: 0) }
      var journal = try Self.journal(of: output)
      if journal.isTorn { try Self.truncate(output, to: journal.length) }
      if retriesFailed, journal.failed > 0 {
        let rest = try Self.withoutFailures(output)
        close(output.descriptor)
        output = rest
        journal = try Self.journal(of: output)
      }
      self.journal = journal
      length = journal.length
    } catch {
      close(output.descriptor)
      throw error
    }
    self.output = output
    // One that was made is there after a power cut only when its folder has been told.
    Self.syncFolder(of: path)
  }

  deinit { if isOurs { close(output.descriptor) } }

  private static func open(_ path: String, _ mode: Int32) throws -> Output {
    let descriptor = unsafe Glibc.open(path, mode | O_CLOEXEC, 0o666)
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
  /// not at all.
  private static func withoutFailures(_ output: Output) throws -> Output {
    let path = "\(output.name).new"
    let rest = try open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
    do {
      try lock(rest)
      try forEachLine(of: output) { line in
        guard !BatchJournal.isFailure(line) else { return }
        try unsafe rest.write((line.bytes + [UInt8(ascii: "\n")]).span.bytes)
      }
      guard fdatasync(rest.descriptor) == 0, unsafe rename(path, output.name) == 0 else {
        throw OutputError.failed(name: path, code: errno)
      }
    } catch {
      close(rest.descriptor)
      _ = unsafe unlink(path)
      throw error
    }
    return Output(descriptor: rest.descriptor, name: output.name)
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
