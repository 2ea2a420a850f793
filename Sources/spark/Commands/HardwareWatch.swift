import Hardware

/// `spark hardware --watch`: how a machine feels, once a second, and what a governor would do.
struct HardwareWatch: Sendable {
  var files: SystemFiles
  var snapshot: MachineSnapshot
  var isJSON: Bool
  var options: ThermalOptions

  func run() async throws {
    let output = Output.standard
    let sensors = SensorReader(files, of: snapshot)
    let advice = Recommendation(for: snapshot)
    var governor = Governor(
      maxWidth: advice.batchWidth, maxThreads: advice.threads, options: options)
    let begun = ContinuousClock.now
    let redraws = output.isTerminal && !isJSON
    while true {
      let reading = sensors.read()
      let seconds = (ContinuousClock.now - begun) / .seconds(1)
      let decision = governor.decide(Sample(time: seconds, reading: reading))
      if isJSON {
        try output.writeJSONLine(
          WatchRecord(
            seconds: seconds, reading: reading, width: decision.width, threads: decision.threads,
            pause: decision.pause, cacheShare: decision.cacheShare,
            state: decision.state.rawValue))
      } else {
        let line = Self.line(reading, decision)
        // Over the line before, of which nothing may remain.
        try output.write(redraws ? "\r\u{1B}[2K" + line : line + "\n")
      }
      do { try await Task.sleep(for: .seconds(1)) } catch { break }
    }
    if redraws { try output.write("\n") }
  }

  private static func line(_ reading: Reading, _ decision: GovernorDecision) -> String {
    let limit = reading.limit.map { " of \($0.inTenths)" } ?? ""
    return [
      "temperature \(reading.temperature.map { "\($0.inTenths)\(limit) °C" } ?? "unknown")",
      "clock \(reading.frequency.map { "\(Int($0)) MHz" } ?? "unknown")",
      "load \(reading.load?.inTenths ?? "unknown")",
      "pressure cpu \(percent(reading.processorPressure)) memory \(percent(reading.memoryPressure))",
      "\(decision.state) width \(decision.width) threads \(decision.threads)",
    ].joined(separator: "  ")
  }

  private static func percent(_ value: Double?) -> String {
    value.map { "\($0.inTenths)%" } ?? "unknown"
  }
}

private struct WatchRecord: Encodable {
  var seconds: Double
  var reading: Reading
  var width: Int
  var threads: Int
  var pause: Double
  var cacheShare: Double
  var state: String
}
