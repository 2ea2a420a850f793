internal import FoundationEssentials

/// What the results' file of a batch says has been done.
///
/// The file is the journal. It is only ever appended to, one whole line at a time, so that after a kill at
/// any moment it consists of whole results, and after a power cut of whole results and perhaps one that was
/// cut off or whose bytes never came to the disk, which read as zeros. Everything from there on is to be
/// cut away, and those prompts are answered again: each is in the file once.
///
/// Only what a batch can have left is ever taken for that: a beginning of a result, and zeros behind one or
/// behind whole results. Anything else is somebody else's file, named by mistake, and a fault.
package struct BatchJournal: Sendable {
  /// What a file has that no batch writes.
  package struct Fault: Error, Equatable, CustomStringConvertible {
    /// The line, from 1.
    package let line: Int
    /// A sentence that goes on from the file's name and the line.
    package let description: String

    package init(line: Int, description: String) {
      (self.line, self.description) = (line, description)
    }
  }

  /// What was done of each line of the input, by its number.
  package private(set) var done: [Int: BatchDigest] = [:]
  /// Those of them that could not be answered.
  private var failures: Set<Int> = []
  /// Bytes of the file that are whole results.
  package private(set) var length = 0
  /// Whether there is something behind them.
  package private(set) var isTorn = false
  /// The last line of the input that was done, and whether none was done after a later one.
  package private(set) var last = 0
  package private(set) var isAscending = true

  /// With what each result begins, its keys being in order: one with a text, and one with an error.
  private static let openings = ["{\"cached_tokens\":", "{\"digest\":"].map { Array($0.utf8) }

  package init() {}

  /// How many prompts could not be answered.
  package var failed: Int { failures.count }

  /// Takes the file's next line. Behind a torn one nothing counts any more.
  package mutating func take(_ line: InputLine) throws(Fault) {
    guard !isTorn else { return }
    guard line.isEnded, !line.bytes.contains(0) else {
      guard canBeTorn(line) else {
        throw Fault(line: line.number, description: "is no result of a batch")
      }
      isTorn = true
      return
    }
    guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.bytes)),
      let digest = BatchDigest(entry.digest), entry.line > 0
    else {
      throw Fault(line: line.number, description: "is no result of a batch")
    }
    guard done.updateValue(digest, forKey: entry.line) == nil else {
      throw Fault(
        line: line.number, description: "is a second result of line \(entry.line) of the input")
    }
    if entry.error != nil { failures.insert(entry.line) }
    isAscending = isAscending && entry.line > last
    last = max(last, entry.line)
    length = line.end
  }

  /// Whether a line that is not whole can be what a power cut left of a result.
  private func canBeTorn(_ line: InputLine) -> Bool {
    let written = line.bytes.prefix { $0 != 0 }
    guard written.isEmpty else {
      return Self.openings.contains { $0.starts(with: written) || written.starts(with: $0) }
    }
    return !done.isEmpty || !line.isEnded && line.bytes.allSatisfy { $0 == 0 }
  }

  /// The journal of what remains when the results of prompts that could not be answered are taken out, but for its
  /// length, which is that of a file that is still to be written.
  package var withoutFailures: BatchJournal {
    var journal = BatchJournal()
    journal.done = done.filter { !failures.contains($0.key) }
    journal.last = journal.done.keys.max() ?? 0
    journal.isAscending = isAscending
    return journal
  }

  /// Whether a line is the result of a prompt that could not be answered.
  package static func isFailure(_ line: InputLine) -> Bool {
    (try? JSONDecoder().decode(Entry.self, from: Data(line.bytes)))?.error != nil
  }

  /// What matters here of a result.
  private struct Entry: Decodable {
    struct Failure: Decodable {}

    var line: Int
    var digest: String
    var error: Failure?
  }
}
