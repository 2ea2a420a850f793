/// What a long chat came to.
package struct SessionReport: Sendable {
  package private(set) var turns: [SessionTurn] = []

  package init() {}

  package mutating func add(_ turn: SessionTurn) { turns.append(turn) }

  /// The figures of a run as one JSON line.
  package struct Summary: Sendable, Equatable, Encodable {
    package var event = "summary"
    package var turns: Int
    /// Medians: of all turns, of those after a restart, and of the others.
    package var firstToken: Double
    package var firstTokenAfterRestart: Double?
    package var firstTokenOtherwise: Double?
    package var load: Double
    package var open: Double
    package var tokensPerSecond: Double?
    /// The median time to the first token of the last turns over that of the first ones, up to 50 of
    /// each.
    package var growth: Double
    package var reread: Int
    package var storeBytes: Int
    package var residentBytes: Int?
    package var memoryBudget: Int
    package var newTokensPerTurn: Double
    package var writes: Writes
  }

  /// What was written for what was new.
  package struct Writes: Sendable, Equatable, Encodable {
    /// Keys and values of new tokens as attention reads them.
    package var newBytes: Int
    /// The same as they lie on disk, in full blocks; nil where no block was filled.
    package var newDiskBytes: Double?
    package var segments: Int
    package var catalog: Int?

    /// Bytes written to all files for each byte of new keys and values.
    package var amplification: Double { Double(segments + (catalog ?? 0)) / Double(newBytes) }
    package var diskAmplification: Double? {
      newDiskBytes.map { Double(segments + (catalog ?? 0)) / $0 }
    }
  }

  /// Nil before the first turn.
  package var summary: Summary? {
    guard let last = turns.last else { return nil }
    let ends = turns.prefix(min(50, max(1, turns.count / 4))).count
    func firstToken(_ turns: some Sequence<SessionTurn>) -> Double {
      turns.map(\.firstTokenSeconds).median
    }
    let (restarted, others) = (
      turns.filter(\.isAfterRestart), turns.filter { !$0.isAfterRestart }
    )
    let speeds = turns.compactMap(\.tokensPerSecond)
    let newBytes = turns.reduce(0) { $0 + $1.newKeyValueBytes }
    let catalog = turns.compactMap(\.catalogBytesWritten)
    return Summary(
      turns: turns.count, firstToken: firstToken(turns),
      firstTokenAfterRestart: restarted.isEmpty ? nil : firstToken(restarted),
      firstTokenOtherwise: others.isEmpty ? nil : firstToken(others),
      load: turns.map(\.loadSeconds).filter { $0 > 0 }.median,
      open: turns.map(\.openSeconds).filter { $0 > 0 }.median,
      tokensPerSecond: speeds.isEmpty ? nil : speeds.median,
      growth: firstToken(turns.suffix(ends)) / firstToken(turns.prefix(ends)),
      reread: turns.reduce(0) { $0 + $1.reread }, storeBytes: last.storeBytes,
      residentBytes: last.residentBytes, memoryBudget: last.memoryBudget,
      newTokensPerTurn: Double(turns.reduce(0) { $0 + $1.newTokens }) / Double(turns.count),
      writes: Writes(
        newBytes: newBytes,
        newDiskBytes: last.diskRatio.map { $0 * Double(newBytes) },
        segments: turns.reduce(0) { $0 + $1.segmentBytesWritten },
        catalog: catalog.count == turns.count ? catalog.reduce(0, +) : nil))
  }

  package var markdown: String {
    guard let summary else { return "" }
    func milliseconds(_ seconds: Double?) -> String {
      seconds.map { ($0 * 1000).rounded(to: 1) } ?? ""
    }
    func mebibytes(_ bytes: Double) -> String { (bytes / 1_048_576).rounded(to: 2) }
    var groups = MarkdownTable(head: [
      "turns", "number", "first token, ms", "tokens read", "read again", "tokens/s",
    ])
    let all: [(String, [SessionTurn])] = [
      ("after a restart", turns.filter(\.isAfterRestart)),
      ("others", turns.filter { !$0.isAfterRestart }), ("all", turns),
    ]
    for (name, turns) in all where !turns.isEmpty {
      groups.rows.append([
        name, "\(turns.count)", milliseconds(turns.map(\.firstTokenSeconds).median),
        turns.map { Double($0.tokensRead) }.median.rounded(to: 0),
        turns.map { Double($0.reread) }.median.rounded(to: 0),
        turns.compactMap(\.tokensPerSecond).median.rounded(to: 0),
      ])
    }
    let writes = summary.writes
    var written = MarkdownTable(head: [
      "written to", "MiB", "for each byte of new f16", "for each byte of it on disk",
    ])
    func row(_ name: String, _ bytes: Int) {
      written.rows.append([
        name, mebibytes(Double(bytes)), (Double(bytes) / Double(writes.newBytes)).rounded(to: 2),
        writes.newDiskBytes.map { (Double(bytes) / $0).rounded(to: 2) } ?? "",
      ])
    }
    row("segments", writes.segments)
    if let catalog = writes.catalog {
      row("catalog and its log", catalog)
      row("both", writes.segments + catalog)
    }
    let ends = min(50, max(1, turns.count / 4))
    return """
      \(groups)
      \(written)
      Medians. The model is loaded in \(milliseconds(summary.load)) ms and the session opened in \
      \(milliseconds(summary.open)) ms, which are not in the times above.
      The first token of the last \(ends) turns takes \(summary.growth.rounded(to: 2)) times that of the \
      first \(ends).
      A turn is \(summary.newTokensPerTurn.rounded(to: 1)) tokens; new keys and values are \
      \(mebibytes(Double(writes.newBytes))) MiB, \(writes.newDiskBytes.map(mebibytes) ?? "unknown") as they lie on disk. The store has \
      \(mebibytes(Double(summary.storeBytes))) MiB in the end.
      Memory in the end is \(summary.residentBytes.map { mebibytes(Double($0)) } ?? "unknown") MiB; the \
      store's tiers may take \(mebibytes(Double(summary.memoryBudget))).

      """
  }
}
