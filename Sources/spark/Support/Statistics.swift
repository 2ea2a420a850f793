import Generation

/// The figures of a run, for people.
struct Statistics: CustomStringConvertible {
  var summary: GenerationSummary
  /// The engine's, after the reply; nil where there is none.
  var memo: MemoStatistics?
  /// Also what only someone who looks closer wants to know.
  var isVerbose = false

  var description: String {
    var lines = [
      "prompt \(summary.promptTokens.inTokens)\(cached)\(rate(summary.prefillTokensPerSecond))"
        + firstToken,
      "generated \(summary.generatedTokens.inTokens)\(rate(summary.decodeTokensPerSecond)): "
        + summary.stopReason.explanation,
      "\(summary.peakBytes.map { "memory \($0.inBytes), " } ?? "")seed \(summary.seed)",
    ]
    if summary.evictedTokens > 0 || summary.memory.recalled > 0 {
      lines.insert("out of the window: \(summary.evictedTokens.inTokens)\(recall)", at: 2)
    }
    if let beams = summary.beams { lines.insert(beams.cost, at: 2) }
    if summary.drafts.drafted > 0 || summary.drafts.model.time > .zero
      || summary.drafts.exit.time > .zero
    {
      lines.insert(guessed, at: 2)
    }
    if summary.exits.tokens > 0 {
      lines.insert(
        "left early: \(summary.exits.tokens.inTokens), \(summary.exits.layers) layers left out",
        at: 2)
    }
    lines.insert(contentsOf: summary.quality.lines, at: 2)
    if summary.isReplayed {
      lines.insert("told again, as it was made for the same request before", at: 2)
    }
    if isVerbose {
      if let entropy = summary.quality.entropy {
        lines.append("entropy of the model's guesses \(Double(entropy).inTenths) nats")
      }
      if let memo { lines.append(memo.line) }
      lines.append("keys and values \(summary.keyValueBytes.inBytes)")
      if let breakEven { lines.append(breakEven) }
    }
    if let conditions = summary.conditions { lines += report(of: conditions) }
    return lines.map { "spark: \($0)\n" }.joined()
  }

  /// How the machine fared: told when the governor acted, and to whoever looks closer.
  private func report(of conditions: RunConditions) -> [String] {
    guard isVerbose || !conditions.changes.isEmpty else { return [] }
    func range(_ low: Double?, _ high: Double?, _ unit: String) -> String {
      guard let low, let high else { return "unknown" }
      return "\(low.inTenths) to \(high.inTenths) \(unit)"
    }
    let phases = conditions.phases.map {
      "\($0.state) \($0.seconds.inTenths) s\(rate($0.tokensPerSecond))"
    }
    let heat = range(conditions.lowestTemperature, conditions.highestTemperature, "°C")
    let clock = range(conditions.lowestFrequency, conditions.highestFrequency, "MHz")
    let throttled = conditions.throttleCount.map { "\($0) times" } ?? "unknown"
    return [
      "governor \(conditions.mode): \(phases.joined(separator: ", ")); "
        + "\(conditions.changes.count) changes",
      "temperature \(heat), clock \(clock), throttled \(throttled)",
    ]
  }

  /// What came of guessing.
  private var guessed: String {
    let drafts = summary.drafts
    let sources = [
      ("from the text", drafts.lookup), ("from memory", drafts.continuations),
      ("by the draft model", drafts.model), ("by the first layers", drafts.exit),
    ]
    .filter { $0.1.drafted > 0 || $0.1.time > .milliseconds(1) }
    .map {
      "\($0.1.accepted) of \($0.1.drafted) \($0.0)"
        + ($0.1.time > .milliseconds(1) ? " in \(($0.1.time.seconds * 1000).inTenths) ms" : "")
    }
    let perPass = drafts.tokensPerPass.map { ", \($0.inTenths) tokens a pass" } ?? ""
    return "guessed right: \(sources.joined(separator: ", "))\(perPass)"
      + (drafts.isTurnedOff ? "; then left, as it did not pay" : "")
  }

  private var cached: String {
    summary.memory.cached > 0 ? ", \(summary.memory.cached) of them read before" : ""
  }

  /// What was gained by taking blocks over rather than reading their tokens.
  private var breakEven: String? {
    let restoring = summary.restoring
    func told(_ duration: Duration) -> String { "\((duration.seconds * 1000).inTenths) ms" }
    guard restoring.blocks + restoring.declined > 0 else { return nil }
    let each = restoring.blocks > 0 ? restoring.duration / restoring.blocks : .zero
    return
      "restored \(restoring.blocks.inBlocks) in \(told(restoring.duration)), \(told(each)) each; "
      + "reading one takes \(restoring.readingBlock.map(told) ?? "a time not measured yet")"
      + (restoring.declined > 0
        ? "; \(restoring.declined.inBlocks) read again, as that is sooner" : "")
  }

  private var recall: String {
    let memory = summary.memory
    guard memory.recalled > 0 else { return "" }
    let past = memory.recalledFromPast > 0 ? ", \(memory.recalledFromPast) of other sessions" : ""
    let misses = memory.misses > 0 ? ", \(memory.misses) not there in time" : ""
    return "; blocks recalled by layers: \(memory.recalled)\(past)\(misses)"
  }

  private var firstToken: String {
    guard summary.generatedTokens > 0 else { return "" }
    return ", first token after \((summary.timeToFirstToken.seconds * 1000).inTenths) ms"
  }

  private func rate(_ tokensPerSecond: Double?) -> String {
    tokensPerSecond.map { " at \($0.inTenths) tokens/s" } ?? ""
  }
}

extension StopReason {
  var explanation: String {
    switch self {
    case .endOfText: "the model ended the text"
    case .stopString: "a stop string was reached"
    case .length: "the length asked for was reached"
    case .contextFull: "the context is full"
    case .cancelled: "interrupted"
    case .deadline: "the time given was up"
    case .degenerate: "the text went wrong"
    }
  }
}
