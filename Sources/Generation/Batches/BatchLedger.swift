/// Which lines of the input are still to be done.
///
/// A line is done when the journal has its number. Its digest then has to be the same as it was, or the
/// input, the model or an option is not what it was when the results began.
package struct BatchLedger: Sendable {
  package enum Standing: Sendable, Equatable {
    /// Nothing is asked.
    case blank
    case done
    /// It is done, but was another line, or was asked with other options.
    case changed
    case open(BatchDigest)
  }

  /// Nil before the first line that is not blank.
  package private(set) var format: BatchFormat?
  /// Lines that are not blank, so far.
  package private(set) var prompts = 0
  private let settings: String
  private let done: [Int: BatchDigest]
  private let ignoresChanges: Bool
  private var found = 0

  /// - Parameters:
  ///   - settings: everything but the line and the format that a result depends on.
  ///   - format: nil: by the first line.
  ///   - ignoresChanges: whether what is done stays done whatever it was.
  package init(
    _ journal: BatchJournal, settings: String, format: BatchFormat? = nil,
    ignoresChanges: Bool = false
  ) {
    done = journal.done
    self.settings = settings
    self.format = format
    self.ignoresChanges = ignoresChanges
  }

  /// Where a line stands. To be asked for each once, in order.
  package mutating func standing(of line: InputLine) -> Standing {
    guard line.isTooLong || !line.isBlank else { return .blank }
    prompts += 1
    let format = self.format ?? BatchFormat(firstLine: line)
    self.format = format
    let known = done[line.number]
    if known != nil { found += 1 }
    if known != nil, ignoresChanges { return .done }
    let digest = BatchDigest(of: line, settings: "\(settings)\n\(format.rawValue)")
    return known.map { $0 == digest ? .done : .changed } ?? .open(digest)
  }

  /// Results of lines that the input, once it has been read, does not have.
  package var strangers: Int { ignoresChanges ? 0 : done.count - found }
}
