import Generation

/// Tells where a run's time went, at its end, however it ends.
struct ProfileTeller: Sendable {
  private let isTold: Bool
  private let trace: PassTraceFile?

  /// - Throws: when the trace cannot be written.
  init(_ flags: ProfileFlags) throws {
    isTold = flags.profile
    trace = try flags.trace.map { try PassTraceFile(path: $0) }
  }

  /// Does `work`, has the engine that it has made tell its profile to `output` when it is done, has failed or was
  /// interrupted, and writes the trace.
  ///
  /// - Parameters:
  ///   - json: as a JSON line rather than a table.
  ///   - work: is given what to call with the engine.
  func follow<Result>(
    to output: Output, json: Bool, _ work: ((Engine) -> Void) async throws -> Result
  ) async throws -> Result {
    var engine: Engine?
    let result: Result
    do {
      result = try await work { engine = $0 }
    } catch {
      if let engine { try? await tell(engine, output, json: json) } else { trace?.abandon() }
      throw error
    }
    if let engine { try await tell(engine, output, json: json) }
    return result
  }

  private func tell(_ engine: Engine, _ output: Output, json: Bool) async throws {
    if let trace, let passes = await engine.trace { try trace.write(passes) }
    guard isTold, let profile = await engine.profile else { return }
    let report = ProfileReport(
      profile: profile, limits: try await engine.measureRoofline(), model: engine.model.path,
      threads: engine.threads, isa: engine.instructionSet.rawValue)
    try json ? output.writeJSONLine(ProfileRecord(report)) : output.write(report.description)
  }
}
