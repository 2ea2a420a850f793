import Generation

/// What became of one prompt of a batch, as a line of its results.
struct BatchRecord: Encodable, Sendable {
  struct Failure: Encodable, Sendable {
    /// What kind it is: `input` for a line that is no job, else as in the library.
    var code: String
    var message: String
  }

  var id: JobID?
  /// The line of the input, from 1.
  var line: Int
  /// Of the line and all options, so that a restart notices when they have changed.
  var digest: String
  var text: String?
  var stopReason: String?
  var seed: UInt64?
  var promptTokens: Int?
  var cachedTokens: Int?
  var generatedTokens: Int?
  var prefillSeconds: Double?
  var decodeSeconds: Double?
  var timeToFirstTokenSeconds: Double?
  /// What went wrong in the text; left out where nothing did.
  var quality: [QualityRecord]?
  /// The best texts of a search, where more than one was asked for.
  var nbest: [BeamRecord.Hypothesis]?
  /// True where an earlier reply to the same prompt was told again.
  var replayed: Bool?
  /// How often it was tried again.
  var retries: Int?
  var error: Failure?

  private init(_ prompt: BatchPrompt, retries: Int) {
    id = prompt.job?.id
    line = prompt.line
    digest = prompt.digest.text
    self.retries = retries > 0 ? retries : nil
  }

  init(_ prompt: BatchPrompt, text: String, _ summary: GenerationSummary, retries: Int) {
    self.init(prompt, retries: retries)
    self.text = text
    stopReason = summary.stopReason.identifier
    seed = summary.seed
    promptTokens = summary.promptTokens
    cachedTokens = summary.memory.cached
    generatedTokens = summary.generatedTokens
    prefillSeconds = summary.prefillDuration.seconds
    decodeSeconds = summary.decodeDuration.seconds
    timeToFirstTokenSeconds = summary.timeToFirstToken.seconds
    let findings = summary.quality.findings.map(QualityRecord.init)
    quality = findings.isEmpty ? nil : findings
    if let beams = summary.beams, beams.hypotheses.count > 1 {
      nbest = BeamRecord(beams).hypotheses
    }
    replayed = summary.isReplayed ? true : nil
  }

  init(_ prompt: BatchPrompt, _ error: EngineError, retries: Int) {
    self.init(prompt, retries: retries)
    self.error = Failure(code: "\(error.code)", message: error.message)
  }

  /// - Parameter id: what could be read of a line that is no job.
  init(_ prompt: BatchPrompt, _ fault: JobFault, id: JobID?) {
    self.init(prompt, retries: 0)
    self.id = id
    error = Failure(code: "input", message: fault.description)
  }
}

/// A line of the input that is to be done.
struct BatchPrompt: Sendable {
  var line: Int
  var digest: BatchDigest
  /// Its turn among those that are to be done, from 0.
  var place: Int
  /// Nil where the line is no job.
  var job: BatchJob?
}
