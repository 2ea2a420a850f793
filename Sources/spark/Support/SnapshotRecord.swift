import Generation
import Glibc

/// What an export or an import has moved, as JSON and in a line.
struct SnapshotRecord: Encodable {
  var namespace: String
  var name: String
  var form: String
  var turns: Int
  var tokens: Int
  var blocks: Int
  var blockTokens: Int
  var blocksLeftOut: Int
  /// Of keys and values as attention reads them.
  var keyValueBytes: Int
  var bytes: Int
  var seconds: Double
  /// Millions of bytes of keys and values in a second; nil without any.
  var megabytesPerSecond: Double?
  /// Why the text is read again although there are keys and values.
  var readAgainBecause: String?

  init(
    _ figures: SnapshotFigures, name: String, namespace: String, form: SnapshotForm,
    reason: String? = nil
  ) {
    self.namespace = namespace
    self.name = name
    self.form = form.rawValue
    turns = figures.turns
    tokens = figures.tokens
    blocks = figures.blocks
    blockTokens = figures.blockTokens
    blocksLeftOut = figures.blocksLeftOut
    keyValueBytes = figures.keyValueBytes
    bytes = figures.bytes
    seconds = figures.duration.seconds
    megabytesPerSecond =
      figures.keyValueBytes > 0 ? Double(figures.keyValueBytes) / 1e6 / max(1e-9, seconds) : nil
    readAgainBecause = reason
  }

  private func line(_ verb: String) -> String {
    var line = "\(verb) \(visible(Array(name.utf8))) as \(form): \(turns.inTurns)"
    if blocks > 0 {
      line += ", keys and values of \(blockTokens) of \(tokens.inTokens)"
    } else if form != SnapshotForm.text.rawValue {
      line += ", no keys and values"
    }
    line += "; \(bytes.inBytes)"
    if let megabytesPerSecond { line += ", \(megabytesPerSecond.inTenths) MB/s" }
    return line + "\n"
  }

  private var remark: String? {
    if let readAgainBecause {
      return "its text is read with the next reply: \(readAgainBecause)."
    }
    guard blocksLeftOut > 0 else { return nil }
    let which = blocksLeftOut == 1 ? "1 block is" : "\(blocksLeftOut) blocks are"
    return "\(which) not in the store; their tokens are read again with the next reply."
  }

  /// Tells it, and what one should know beside it.
  ///
  /// - Parameter verb: what was done, such as `exported`.
  func tell(_ verb: String, on output: Output, json: Bool) throws {
    if json { return try output.writeJSONLine(self) }
    try output.write("\(output.descriptor == STDERR_FILENO ? "spark: " : "")\(line(verb))")
    if let remark { Output.error.tell("spark: \(remark)\n") }
  }
}
