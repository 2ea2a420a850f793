import ArgumentParser
import Generation

/// `spark store compact`: gives back what nothing refers to.
struct StoreCompact: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact", abstract: "Give back the space of what a store no longer needs.",
    discussion: """
      Segments with dead bytes are written anew, and the catalog with its log. With --store-budget what is \
      too much for it goes first. What another process holds is left as it is, and named.
      """)

  @OptionGroup var store: StoreFlags

  func run() async throws {
    let files = try store.engine().store
    let json = store.json
    let progress = StepProgress(isQuiet: json)
    let result = try await Interruption.cancels {
      try await files.compact { progress.advance(to: $0, of: $1, "segments") }
    }
    progress.clear()
    let record = CompactionRecord(result)
    if json {
      try Output.standard.writeJSONLine(record)
    } else {
      try Output.standard.write(record.lines)
    }
    if result.isCancelled { throw ExitCode(Interruption.exitCode) }
  }
}

/// What compacting has come to, as JSON and for people.
private struct CompactionRecord: Encodable {
  var bytesBefore: Int
  var bytesAfter: Int
  var segmentBytesBefore: Int
  var segmentBytesAfter: Int
  var catalogBytesBefore: Int
  var catalogBytesAfter: Int
  var segmentsCompacted: Int
  var held: [String]
  var isInterrupted: Bool

  init(_ result: StoreCompaction) {
    let (before, after) = (result.before, result.after)
    (bytesBefore, bytesAfter) = (before.total, after.total)
    (segmentBytesBefore, segmentBytesAfter) = (before.live + before.dead, after.live + after.dead)
    (catalogBytesBefore, catalogBytesAfter) = (
      before.catalog + before.catalogLog, after.catalog + after.catalogLog
    )
    segmentsCompacted = result.compacted
    held = result.held
    isInterrupted = result.isCancelled
  }

  var lines: String {
    let change =
      "\(bytesBefore.inBytes) before, \(bytesAfter.inBytes) after: segments "
      + "\(segmentBytesBefore.inBytes) and \(segmentBytesAfter.inBytes), catalog "
      + "\(catalogBytesBefore.inBytes) and \(catalogBytesAfter.inBytes)"
      + (isInterrupted ? "; interrupted" : "")
    return (held.map { "held: \($0)" } + [change]).map { visible(Array($0.utf8)) + "\n" }.joined()
  }
}
