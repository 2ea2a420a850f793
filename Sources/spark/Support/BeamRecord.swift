import Generation

/// What a search has found, as JSON and in lines.
struct BeamRecord: Encodable {
  var passes: Int
  var forks: Int
  var copiedBlocks: Int
  var peakBlocks: Int
  var singleBlocks: Int
  var blockBytes: Int
  var hypotheses: [Hypothesis]

  struct Hypothesis: Encodable {
    var text: String
    var tokens: [TokenID]
    var logProbability: Double
    var score: Double
    var stopReason: String
  }

  init(_ report: BeamReport) {
    passes = report.passes
    forks = report.forks
    copiedBlocks = report.copiedBlocks
    peakBlocks = report.peakBlocks
    singleBlocks = report.singleBlocks
    blockBytes = report.blockBytes
    hypotheses = report.hypotheses.map {
      Hypothesis(
        text: $0.text, tokens: $0.tokens, logProbability: $0.logProbability, score: $0.score,
        stopReason: $0.stopReason.identifier)
    }
  }
}

extension BeamReport {
  /// The best texts, one in each line; empty where only one was wanted.
  var lines: [String] {
    guard hypotheses.count > 1 else { return [] }
    return hypotheses.enumerated().map { place, hypothesis in
      "\(place + 1). score \(hypothesis.score.inTenThousandths), "
        + "log-probability \(hypothesis.logProbability.inTenThousandths), "
        + "\(hypothesis.tokens.count.inTokens), \(hypothesis.stopReason.explanation): "
        + oneLine(hypothesis.text)
    }
  }

  /// What it took.
  var cost: String {
    "searched in \(passes) passes, \(forks) forks; keys and values \((peakBlocks * blockBytes).inBytes) "
      + "at most, \((Double(peakBlocks) / Double(max(1, singleBlocks))).inTenths) times those of one text"
  }
}

extension Double {
  fileprivate var inTenThousandths: String { "\((self * 10_000).rounded() / 10_000)" }
}
