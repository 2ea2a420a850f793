import Generation

/// One thing that went wrong in a text, as JSON.
struct QualityRecord: Encodable {
  var kind: String
  var firstToken: Int
  var tokens: Int
  var period: Int?

  init(_ finding: QualityFinding) {
    kind = finding.kind.rawValue
    (firstToken, tokens, period) = (finding.firstToken, finding.tokens, finding.period)
  }
}

extension QualityAccount {
  /// What went wrong, in a line; none where nothing did.
  var lines: [String] {
    guard !findings.isEmpty else { return [] }
    let more =
      findings.count >= Self.most ? ["and perhaps more"] : []
    return ["quality: " + (findings.map(\.phrase) + more).joined(separator: "; ")]
  }
}

extension QualityFinding {
  fileprivate var phrase: String {
    let what =
      switch kind {
      case .loop:
        "\((period ?? 0).inTokens) \((repetitions ?? 0).inTenths) times in a loop"
      case .collapse: "sure of everything for \(tokens.inTokens)"
      case .explosion: "at a loss for \(tokens.inTokens)"
      case .endless: "longer than replies are by \(tokens.inTokens)"
      }
    return "\(what), from token \(firstToken + 1) on"
  }
}
