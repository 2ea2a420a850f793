import Generation

/// A bench's records for people.
struct SpeedTables {
  var records: [SpeedRecord]

  var text: String {
    let verified = records.filter { $0.test.name == "verify" }
    let speeds = records.filter { $0.test.name != "verify" }
    var parts: [String] = []
    if !speeds.isEmpty { parts.append(MarkdownTable.text(speedRows(speeds), leading: 2)) }
    if !verified.isEmpty { parts.append(MarkdownTable.text(verificationRows(verified))) }
    parts += notes
    return parts.joined(separator: "\n")
  }

  /// What distinguishes engines and tests, where it does: a title, and each record's.
  private func marks(
    _ records: [SpeedRecord]
  ) -> [(title: String, value: (SpeedRecord) -> String)] {
    let all: [(title: String, value: (SpeedRecord) -> String)] = [
      ("threads", { "\($0.test.threads)" }),
      ("window", { $0.options.window.defaultValueDescription }),
      ("kv", { $0.options.keyValueType.rawValue }),
      ("chunk", { "\($0.options.prefillChunk)" }),
    ]
    return all.filter { mark in
      mark.title == "threads" || Set(records.map(mark.value)).count > 1
    }
  }

  private func speedRows(_ records: [SpeedRecord]) -> [[String]] {
    let marks = marks(records)
    let hasEnergy = records.contains { $0.joules != nil }
    let head =
      ["model", "test"] + marks.map(\.title)
      + ["tokens/s", "quartiles", "first token", "achieved", "of limit"]
      + (hasEnergy ? ["tokens/J"] : [])
    return [head]
      + records.map { record in
        let depth = record.test.depth > 0 ? " @ \(record.test.depth)" : ""
        let unit = record.test.name == "prefill" ? "GFLOPS" : "GB/s"
        var row = [
          record.model.path.split(separator: "/").last.map(String.init) ?? "",
          "\(record.test.name) \(record.test.rows)\(depth)",
        ]
        row += marks.map { $0.value(record) }
        row += [
          record.rate.median.inTenths,
          "\(record.rate.lowerQuartile.inTenths) to \(record.rate.upperQuartile.inTenths)",
          record.firstToken.map { "\(($0 * 1000).inTenths) ms" } ?? "",
          record.achieved.map { "\(($0 / 1e9).inTenths) \(unit)" } ?? "",
          record.share.map { "\($0.inPercent) of \(record.limit ?? "")" } ?? "",
        ]
        if hasEnergy {
          row.append(record.joules.map { (Double(record.test.tokens) / $0).inTenths } ?? "")
        }
        return row
      }
  }

  private func verificationRows(_ records: [SpeedRecord]) -> [[String]] {
    let marks = marks(records)
    return [["model", "depth"] + marks.map(\.title) + ["checked at once", "ms", "t(m) / t(1)"]]
      + records.map { record in
        [
          record.model.path.split(separator: "/").last.map(String.init) ?? "",
          "\(record.test.depth)",
        ] + marks.map { $0.value(record) } + [
          "\(record.test.rows)",
          (record.seconds.median / Double(record.test.passes) * 1000).inHundredths,
          record.cost?.inHundredths ?? "",
        ]
      }
  }

  /// What the machine can do, and how figures are made.
  private var notes: [String] {
    var lines: [String] = []
    for threads in Set(records.map(\.test.threads)).sorted() {
      guard let record = records.first(where: { $0.test.threads == threads }),
        let read = record.limits.read
      else { continue }
      let peaks = record.limits.peaks.sorted { $0.value > $1.value }.map {
        "\($0.key.rawValue) products at \(($0.value / 1e9).inTenths) G\($0.key == .int8 ? "OPS" : "FLOPS")"
      }
      lines.append(
        "Limits of \(record.instructionSet.rawValue) with \(threads == 1 ? "1 thread" : "\(threads) threads"): memory read at "
          + "\((read / 1e9).inTenths) GB/s, \(peaks.joined(separator: ", ")).\n")
    }
    let rounds = records.first?.repetitions ?? 0
    lines.append(
      "Medians over \(rounds == 1 ? "1 round" : "\(rounds) rounds"), each of all tests in turns, after one that is not counted.\n"
    )
    return [lines.joined()]
  }
}
