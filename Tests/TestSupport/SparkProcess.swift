package import Foundation
import Glibc

/// A running `spark` that is talked to line by line, and may be killed at any moment.
package final class SparkProcess {
  private let process: Process
  /// Our end of its standard input: a socket, since writing to a pipe that nobody reads would end
  /// this process.
  private let input: Int32
  private let output: Int32
  private let errors: FileHandle
  private var isInputOpen = true
  /// All that it has written to standard output so far.
  package private(set) var written: [UInt8] = []

  package var identifier: Int32 { process.processIdentifier }

  /// Starts the program.
  package init(
    _ arguments: [String], environment: [String: String] = [:],
    executable: URL = SparkCommand.executable
  ) throws {
    var sockets: [Int32] = [0, 0]
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &sockets) == 0
    else { throw SparkCommand.Failure("no socket: \(errno)") }
    let (out, err) = (Pipe(), Pipe())
    process = SparkCommand.makeProcess(arguments, environment, executable)
    process.standardInput = FileHandle(fileDescriptor: sockets[1], closeOnDealloc: true)
    process.standardOutput = out
    process.standardError = err
    input = sockets[0]
    // Pipes close with their handles, which this one outlives.
    output = dup(out.fileHandleForReading.fileDescriptor)
    errors = err.fileHandleForReading
    try process.run()
  }

  deinit {
    if isInputOpen { close(input) }
    close(output)
  }

  /// Says a line to it; nothing happens when it has ended.
  package func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes[sent...].withUnsafeBytes {
        unsafe send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// Reads until it has written `lines` whole lines, for `seconds` at most.
  ///
  /// - Returns: whether it has.
  @discardableResult
  package func read(lines: Int = .max, for seconds: Double) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while written.count(where: { $0 == UInt8(ascii: "\n") }) < lines {
      let left = (end - clock.now) / .milliseconds(1)
      guard left > 0 else { return false }
      var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&wanted, 1, Int32(left.rounded(.up))) > 0 else { continue }
      guard readOnce() else { return false }
    }
    return true
  }

  /// False at the end.
  private func readOnce() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe Glibc.read(output, $0.baseAddress, $0.count)
    }
    guard count > 0 else { return false }
    written += bytes[..<count]
    return true
  }

  /// Ends it as a power cut would, its files apart.
  package func kill() -> SparkCommand.Result {
    _ = Glibc.kill(identifier, SIGKILL)
    return end()
  }

  /// Ends its input and waits for it; one that has not ended after `seconds` is killed.
  package func end(within seconds: Double = 120) -> SparkCommand.Result {
    if isInputOpen { close(input) }
    isInputOpen = false
    if !hasEnded(within: seconds) { _ = Glibc.kill(identifier, SIGKILL) }
    while readOnce() {}
    process.waitUntilExit()
    let said = (try? errors.readToEnd()) ?? Data()
    return SparkCommand.Result(
      status: process.exitCode, output: Data(written), errors: String(decoding: said, as: UTF8.self)
    )
  }

  /// Its output ends with it.
  private func hasEnded(within seconds: Double) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while clock.now < end {
      var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&wanted, 1, 100) > 0 else { continue }
      if !readOnce() { return true }
    }
    return false
  }
}
