public import Model

/// Where an engine's time goes, with ``EngineOptions/profiling``.
extension Engine {
  /// Where the time of all passes so far has gone; nil where nobody asked for it to be noted.
  public var profile: RunProfile? { get async { await core.profile } }

  /// When each part of the latest passes ran; nil where none was to be kept.
  public var trace: PassTrace? { get async { await core.trace } }

  /// Measures what memory and processor give to this engine's threads at most, in about half a second in which
  /// nothing else is computed.
  public func measureRoofline() async throws(EngineError) -> Roofline {
    try await core.measureRoofline()
  }

  /// Reads `tokens` tokens behind a text of `depth` tokens, for ``profile``; the text itself does not count.
  public func profilePrefill(tokens: Int, depth: Int = 0) async throws {
    try await core.profilePrefill(tokens: tokens, depth: depth)
  }

  /// Generates `tokens` tokens behind a text of `depth` tokens, for ``profile``.
  public func profileDecode(tokens: Int, depth: Int = 0) async throws {
    try await core.profileDecode(tokens: tokens, depth: depth)
  }

  /// Forgets what was noted so far.
  public func resetProfile() async { await core.resetProfile() }
}

extension EngineCore {
  var profile: RunProfile? { stepper.profile?.profile }
  var trace: PassTrace? { stepper.profile?.trace }

  func measureRoofline() throws(EngineError) -> Roofline {
    do throws(ModelError) {
      return try Roofline(
        threads: stepper.compute.threads, instructionSet: stepper.compute.instructionSet)
    } catch {
      throw EngineError(.machine, error.message)
    }
  }

  func profilePrefill(tokens: Int, depth: Int) throws {
    try stepper.profilePrefill(tokens: tokens, depth: depth) { Task.isCancelled }
    try Task.checkCancellation()
  }

  func profileDecode(tokens: Int, depth: Int) throws {
    try stepper.profileDecode(tokens: tokens, depth: depth) { Task.isCancelled }
    try Task.checkCancellation()
  }

  func resetProfile() { stepper.profile?.reset() }
}
