import ArgumentParser
import Cache
import Charts

/// `spark cache simulate`: eviction policies against each other and against perfect knowledge.
struct CacheSimulate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Replay requests through eviction policies, and tell what each keeps.",
    discussion: """
      Requests are generated (--workload) or recorded (--trace). The last column is the most that any \
      policy could keep: Belady's optimum where all entries are alike, otherwise a bound that it may \
      not reach.
      """)

  @Option(
    help: ArgumentHelp(
      "Generated requests to replay; repeat for several. (default: all)", valueName: "name"))
  var workload: [Workload] = []

  @Option(
    help: ArgumentHelp("A recorded trace to replay; - is standard input.", valueName: "file"))
  var trace: String?

  @Option(help: ArgumentHelp("Policies; repeat for several. (default: all)", valueName: "name"))
  var policy: [PolicyKind] = []

  @Option(
    help: ArgumentHelp(
      """
      How much the cache holds: 10% of the bytes of all entries, or 512MiB; repeat for several. \
      (default: 1% 2% 5% 10% 20% 40% 60% 80% 90%)
      """, valueName: "size"))
  var capacity: [CacheCapacity] = []

  @Option(help: "Requests to generate for each workload.")
  var requests = 200_000

  @Option(help: "Where the generator's randomness begins.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "Hold w-tinylfu's window at this percentage of the cache instead of adapting it.",
      valueName: "percent"))
  var tinylfuWindow: Double?

  @Option(help: ArgumentHelp("Write the figures as CSV; - is standard output.", valueName: "file"))
  var csv: String?

  @Option(
    help: ArgumentHelp(
      "Draw what one trace's milliseconds saved are over the capacity.", valueName: "file"))
  var svg: String?

  @Option(help: ArgumentHelp("Write the one trace that is replayed.", valueName: "file"))
  var writeTrace: String?

  @Flag(help: "Write one JSON object a line for each figure.")
  var json = false

  func validate() throws {
    try require(
      trace == nil || workload.isEmpty, "Give --workload or --trace, not both.")
    try require(
      (100...100_000_000).contains(requests), "--requests must be between 100 and 100000000.")
    if let tinylfuWindow {
      try require(
        (0...100).contains(tinylfuWindow), "--tinylfu-window must be between 0 and 100.")
    }
    let isOne = trace != nil || workload.count == 1
    try require(
      isOne || svg == nil, "--svg draws one trace; name it with --workload or --trace.")
    try require(
      isOne || writeTrace == nil,
      "--write-trace writes one trace; name it with --workload or --trace.")
    try require(
      [csv, svg, writeTrace].filter { $0 == "-" }.count <= (json ? 0 : 1),
      "Only one thing can be written to standard output.")
  }

  func run() async throws {
    let simulation = self
    try await Interruption.cancels { try await simulation.simulate() }
  }

  private func simulate() async throws {
    let policies = policy.isEmpty ? PolicyKind.allCases : policy
    let capacities = capacity.isEmpty ? CacheCapacity.usual : capacity
    let names =
      trace.map { [$0] } ?? (workload.isEmpty ? Workload.allCases : workload).map(\.rawValue)
    let progress = ProgressBar(total: names.count * capacities.count * policies.count)
    let ownsOutput = ![csv, svg, writeTrace].contains("-")
    var records: [SimulationRecord] = []
    for name in names {
      let trace = try makeTrace(name)
      if let writeTrace { try await write(trace, to: writeTrace) }
      let report = try SimulationReport(
        trace, policies: policies, capacities: capacities, window: window, progress: progress)
      records += report.records
      guard ownsOutput else { continue }
      progress.clear()
      if json {
        for record in report.records { try Output.standard.writeJSONLine(record) }
      } else {
        try Output.standard.write((name == names.first ? "" : "\n") + report.table)
      }
    }
    progress.clear()
    if let csv {
      let lines = [SimulationRecord.csvHeader] + records.map(\.csvLine)
      try await OutputFile.write(csv) { try $0.write(lines.joined()) }
    }
    if let svg {
      let chart = SimulationChart(records, seed: self.trace == nil ? seed : nil).chart
      try await OutputFile.write(svg) { try $0.write(chart.svg) }
    }
  }

  private var window: TinyLFUWindow { tinylfuWindow.map { .fixed($0 / 100) } ?? .adaptive }

  private func makeTrace(_ name: String) throws -> Trace {
    guard let path = trace else {
      return Workload(rawValue: name)!.makeTrace(requests: requests, seed: seed)
    }
    let shown = path == "-" ? "standard input" : path
    do {
      var parser = TraceParser()
      try InputFile.read(path) { bytes throws in try parser.read(bytes) }
      let trace = try parser.finish(name: shown)
      guard !trace.requests.isEmpty else {
        throw InputError("\(shown) holds no request; record at least one.")
      }
      return trace
    } catch let error as TraceFileError {
      throw InputError("\(shown): \(error)")
    }
  }

  private func write(_ trace: Trace, to path: String) async throws {
    try await OutputFile.write(path) { output in
      var text = TraceFile.header
      for request in trace.requests {
        text += TraceFile.line(for: request)
        if text.utf8.count >= 65_536 {
          try Task.checkCancellation()
          try output.write(text)
          text = ""
        }
      }
      try output.write(text)
    }
  }
}

extension Workload: ExpressibleByArgument {}
extension PolicyKind: ExpressibleByArgument {}
