package import Foundation

/// Runs the built `spark` program as a user's shell would.
package struct SparkCommand {
  /// The program lies beside the test bundle, which is this process's own executable.
  package static let executable: URL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "spark")

  /// The model in the checkout.
  package static let model = Fixture.repositoryPath("models/spark-mini.gguf")

  /// What a test's helper could not do.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
  }

  package struct Result {
    package var status: Int32
    package var output: Data
    package var errors: String

    package var text: String { String(decoding: output, as: UTF8.self) }

    /// Whether a signal ended it.
    package var hasCrashed: Bool { status >= 128 }

    /// Standard output's lines as JSON objects.
    package func jsonLines() throws -> [[String: Any]] {
      try text.split(separator: "\n").map { line in
        guard
          let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        else { throw Failure("\(line) is no JSON object") }
        return object
      }
    }
  }

  /// Runs the program to its end.
  ///
  /// The environment has no `SPARK_` variables but the given ones, so that a developer's own change
  /// nothing.
  package static func run(
    _ arguments: [String], input: Data = Data(), environment: [String: String] = [:],
    executable: URL = executable
  ) throws -> Result {
    try withTemporaryDirectory { directory in
      // Files hold any amount of output, so that no pipe fills up while another is read.
      let files = ["input", "output", "errors"].map { directory.appending(path: $0) }
      try input.write(to: files[0])
      for file in files[1...] { try Data().write(to: file) }
      let process = makeProcess(arguments, environment, executable)
      process.standardInput = try FileHandle(forReadingFrom: files[0])
      process.standardOutput = try FileHandle(forWritingTo: files[1])
      process.standardError = try FileHandle(forWritingTo: files[2])
      try process.run()
      process.waitUntilExit()
      return try Result(
        status: process.exitCode, output: Data(contentsOf: files[1]),
        errors: String(decoding: Data(contentsOf: files[2]), as: UTF8.self))
    }
  }

  /// Runs the program until it has written `byteCount` bytes, then lets `act` do something to it.
  package static func run(
    _ arguments: [String], untilWritten byteCount: Int,
    then act: (_ process: Process, _ output: FileHandle) throws -> Void
  ) throws -> Result {
    try withTemporaryDirectory { directory in
      let errors = directory.appending(path: "errors")
      try Data().write(to: errors)
      let pipe = Pipe()
      let process = makeProcess(arguments, [:], executable)
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = pipe
      process.standardError = try FileHandle(forWritingTo: errors)
      try process.run()
      let reader = pipe.fileHandleForReading
      guard var output = try reader.read(upToCount: byteCount) else {
        throw Failure("spark has written nothing")
      }
      try act(process, reader)
      if let rest = try? reader.readToEnd() { output += rest }
      process.waitUntilExit()
      return try Result(
        status: process.exitCode, output: output,
        errors: String(decoding: Data(contentsOf: errors), as: UTF8.self))
    }
  }

  /// Copies the program into `directory`. Another process does it: a program that is open for writing
  /// here while a second test starts a process could not be run ("Text file busy").
  package static func copy(to directory: URL) throws -> URL {
    let copy = directory.appending(path: "spark")
    let result = try run([executable.path, copy.path], executable: URL(filePath: "/bin/cp"))
    guard result.status == 0 else { throw Failure(result.errors) }
    return copy
  }

  static func makeProcess(
    _ arguments: [String], _ environment: [String: String], _ executable: URL
  ) -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .filter { !$0.key.hasPrefix("SPARK_") }.merging(environment) { $1 }
    return process
  }
}

extension Process {
  /// The exit status, or 128 and the signal's number as a shell would put it.
  var exitCode: Int32 {
    terminationReason == .exit ? terminationStatus : 128 + terminationStatus
  }
}

/// A new directory for the time of `body`.
package func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let directory = FileManager.default.temporaryDirectory
    .appending(path: "spark-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory)
}
