import Generation

/// Tells a run's events: text or JSON lines on standard output, statistics on standard error.
struct Reporter: Sendable {
  private let flags: OutputFlags
  private let output = Output.standard
  private let diagnostics = Output.error

  init(flags: OutputFlags) { self.flags = flags }

  func loaded(_ engine: Engine) {
    if !flags.quiet { engine.tellNotices() }
    guard flags.verbose else { return }
    let model = engine.model
    diagnostics.tell(
      """
      spark: \(model.name), \(model.architecture), \(model.path)
      spark: weights \(engine.weightBytes.inBytes), context \(engine.contextLength) tokens, \
      \(engine.threads) threads, \(engine.instructionSet)

      """)
  }

  /// The governor's change of mind.
  func changed(_ change: String) {
    if !flags.quiet { diagnostics.tell("spark: governor: \(change)\n") }
  }

  /// Tells a stream as it comes, to its end.
  func tell(_ stream: TokenStream, of engine: Engine) async throws -> GenerationSummary {
    for try await event in stream {
      switch event {
      case .token(let token): try self.token(token)
      case .finished(let summary):
        try finished(summary, of: engine)
        return summary
      }
    }
    preconditionFailure("a token stream ends with a summary")
  }

  private func token(_ token: GeneratedToken) throws {
    if flags.json {
      try output.writeJSONLine(TokenRecord(token))
    } else if !token.text.isEmpty {
      try output.write(token.text)
    }
  }

  private func finished(_ summary: GenerationSummary, of engine: Engine) throws {
    let passages = summary.memory.passages.map { PassageRecord($0, tokenizer: engine.tokenizer) }
    if flags.json {
      return try output.writeJSONLine(
        SummaryRecord(summary, passages: passages, memo: engine.memoStatistics))
    }
    try output.write(summary.trailingText)
    // Where the text is followed by something else, on a terminal or in one log with the statistics,
    // its last line is ended. A text that goes elsewhere stays as the model wrote it.
    if output.isTerminal {
      try output.write("\n")
    } else if !flags.quiet || !(summary.beams?.lines ?? []).isEmpty, output.isSame(as: diagnostics)
    {
      diagnostics.tell("\n")
    }
    for line in summary.beams?.lines ?? [] { diagnostics.tell("spark: \(line)\n") }
    for passage in passages { diagnostics.tell("spark: \(passage.line)\n") }
    for notice in summary.memory.notices { diagnostics.tell("spark: \(notice)\n") }
    guard !flags.quiet else { return }
    diagnostics.tell(
      "\(Statistics(summary: summary, memo: engine.memoStatistics, isVerbose: flags.verbose))")
  }
}
