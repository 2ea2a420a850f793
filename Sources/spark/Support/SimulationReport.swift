import Cache
import Charts

/// What policies made of one trace, in several capacities.
struct SimulationReport {
  /// By capacity, then policy; the bound last of each capacity.
  private(set) var records: [SimulationRecord] = []
  private let trace: Trace
  private let footprint: (keys: Int, bytes: Int)
  /// Policies, and the bound.
  private let columns: Int

  init(
    _ trace: Trace, policies: [PolicyKind], capacities: [CacheCapacity], window: TinyLFUWindow,
    progress: ProgressBar
  ) throws {
    (self.trace, footprint, columns) = (trace, trace.footprint, policies.count + 1)
    let bound = OfflineBound(trace)
    for capacity in capacities {
      let budget = capacity.bytes(of: footprint.bytes)
      for policy in policies {
        let score = try Simulator.replay(trace, through: policy, budget: budget, window: window)
        add(policy.rawValue, score, budget)
        progress.advance()
      }
      let isExact = Metric.allCases.allSatisfy(bound.isExact)
      add(isExact ? "optimum" : "bound", bound.score(budget: budget), budget)
    }
  }

  private mutating func add(_ policy: String, _ score: Score, _ budget: Int) {
    records.append(
      SimulationRecord(
        trace: trace.name, requests: trace.requests.count, policy: policy, capacityBytes: budget,
        capacityPercent: 100 * Double(budget) / Double(max(1, footprint.bytes)),
        hitRatio: score[.requests], byteHitRatio: score[.bytes],
        savedRatio: score[.milliseconds]))
  }

  /// The figures in percent: a row for each capacity, a column for each policy. By bytes and by
  /// milliseconds only where that says something else.
  var table: String {
    let size =
      "\(trace.requests.count) requests for \(footprint.keys) entries of \(footprint.bytes.inBytes)"
    var text = "\(trace.name): \(size)\n" + rows("hits", \.hitRatio)
    if trace.commonWeight == nil { text += rows("hit bytes", \.byteHitRatio) }
    if trace.commonCost == nil { text += rows("saved ms", \.savedRatio) }
    return text
  }

  private func rows(_ title: String, _ figure: KeyPath<SimulationRecord, Double>) -> String {
    var lines = [[title + ", %", "bytes"] + records.prefix(columns).map(\.policy)]
    for start in stride(from: 0, to: records.count, by: columns) {
      let row = records[start..<start + columns]
      lines.append(
        ["\(records[start].capacityPercent.inTenths)%", records[start].capacityBytes.inBytes]
          + row.map { (100 * $0[keyPath: figure]).inTenths })
    }
    return lines.map { cells in
      cells.enumerated().map { i, cell in
        let blank = String(repeating: " ", count: max(0, (i == 0 ? 12 : 10) - cell.count))
        return i == 0 ? cell + blank : " " + blank + cell
      }.joined() + "\n"
    }.joined()
  }
}

/// What one policy kept of one trace in one capacity; ratios are 0 to 1.
struct SimulationRecord: Encodable {
  var trace: String
  var requests: Int
  var policy: String
  var capacityBytes: Int
  var capacityPercent: Double
  var hitRatio: Double
  var byteHitRatio: Double
  var savedRatio: Double

  static let csvHeader =
    "trace,requests,policy,capacity_bytes,capacity_percent,hit_ratio,byte_hit_ratio,saved_ratio\n"

  var csvLine: String {
    // A trace may be named after a file, and a file's name may hold anything.
    let name = "\"" + trace.replacing("\"", with: "\"\"") + "\""
    return "\(name),\(requests),\(policy),\(capacityBytes),\(capacityPercent),\(hitRatio),"
      + "\(byteHitRatio),\(savedRatio)\n"
  }
}

/// One trace's saved milliseconds over the capacity, as a picture.
struct SimulationChart {
  var chart: LineChart

  init(_ records: [SimulationRecord], seed: UInt64?) {
    let origin = seed.map { ", seed \($0)" } ?? ""
    chart = LineChart(
      title: "\(records[0].trace), \(records[0].requests) requests\(origin)",
      xTitle: "capacity, % of the bytes of all entries", yTitle: "milliseconds saved, %",
      xScale: .log2, yRange: 0...100)
    var names: [String] = []
    for record in records where !names.contains(record.policy) { names.append(record.policy) }
    chart.series = names.map { name in
      LineChart.Series(
        name: name,
        points: records.filter { $0.policy == name }
          .map { .init(x: $0.capacityPercent, y: 100 * $0.savedRatio) }
          .sorted { $0.x < $1.x },
        isDashed: name == "optimum" || name == "bound")
    }
  }
}
