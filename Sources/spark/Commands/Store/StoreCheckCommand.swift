import ArgumentParser
import Generation

/// `spark store check`: reads everything back, and mends what can be.
struct StoreCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read a whole store back, check it, and mend it.",
    discussion: """
      Every record of every model is compared with its checksums, the catalog by SQLite's own check, and \
      each session with the blocks that it goes on from. That some of these are gone is no damage: they are \
      computed again from the text.

      With --repair damaged records go, a catalog that cannot be read is kept aside and another begun with \
      what can be read of it, and what refers to what is gone is cleared. Exits with 1 when damage is left.
      """)

  @Flag(help: "Mend what can be.")
  var repair = false

  @OptionGroup var store: StoreFlags

  func run() async throws {
    let files = try store.engine().store
    let (isRepairing, json) = (repair, store.json)
    let progress = StepProgress(isQuiet: json)
    let check = try await Interruption.cancels {
      try await files.check(repairing: isRepairing) { done, total in
        progress.advance(to: done >> 10, of: total >> 10, "KiB read back")
      }
    }
    progress.clear()
    let record = StoreCheckRecord(check)
    if json {
      try Output.standard.writeJSONLine(record)
    } else {
      try Output.standard.write(record.lines)
    }
    if check.isCancelled { throw ExitCode(Interruption.exitCode) }
    guard check.isClean else {
      if !json, !repair {
        Output.error.tell("spark: spark store check --repair mends what can be mended.\n")
      }
      throw ExitCode.failure
    }
  }
}

/// What a check has found, in JSON's words and for people.
private struct StoreCheckRecord: Encodable {
  var records: Int
  var recordBytes: Int
  var segments: Int
  var sessions: Int
  var tokensToRead: Int
  var findings: [Finding]
  var repairs: [String]
  var damageLeft: Int
  var isInterrupted: Bool

  struct Finding: Encodable {
    var kind: String
    var message: String
    var isDamage: Bool
    var isRepaired: Bool
  }

  init(_ check: StoreCheck) {
    records = check.records
    recordBytes = check.recordBytes
    segments = check.segments
    sessions = check.sessions
    tokensToRead = check.tokensToRead
    findings = check.findings.map {
      Finding(
        kind: $0.kind.rawValue, message: $0.message, isDamage: $0.isDamage,
        isRepaired: $0.isRepaired)
    }
    repairs = check.repairs
    damageLeft = check.damageLeft
    isInterrupted = check.isCancelled
  }

  var lines: String {
    let words = findings.map { finding in
      let word = !finding.isDamage ? "notice" : finding.isRepaired ? "mended" : "damage"
      return "\(word): \(finding.message)"
    }
    let done = repairs.map { "repair: \($0)" }
    let read =
      "\(records == 1 ? "1 record" : "\(records) records") of \(recordBytes.inBytes) in "
      + "\(segments == 1 ? "1 segment" : "\(segments) segments") and "
      + "\(sessions == 1 ? "1 session" : "\(sessions) sessions") checked"
    let rest =
      isInterrupted
      ? "; interrupted" : damageLeft == 0 ? ", no damage" : ", damage in \(damageLeft.inPlaces)"
    return (words + done + [read + rest]).map { visible(Array($0.utf8)) + "\n" }.joined()
  }
}

extension Int {
  fileprivate var inPlaces: String { self == 1 ? "1 place" : "\(self) places" }
}
