package import Model

/// Watches a reply as its tokens are told. A value that is fed with tokens and now and then an entropy; it
/// allocates nothing after its making, but for what it finds.
package struct QualityMonitor: Sendable {
  private let interval: Int
  private let limit: Int?
  private var loops: LoopDetector
  private var entropies: EntropyWatch
  private var tokens = 0
  /// The findings that go on, by their place in the account.
  private var loop: Int?
  private var entropy: Int?
  private var endless: Int?
  private var found = QualityAccount()

  /// - Parameter limit: tokens beyond which the reply is endless; nil: it never is.
  package init(
    _ options: QualityOptions = QualityOptions(), vocabularySize: Int, limit: Int? = nil
  ) {
    interval = options.interval
    self.limit = limit
    loops = LoopDetector(options)
    entropies = EntropyWatch(options, vocabularySize: vocabularySize)
    found.findings.reserveCapacity(QualityAccount.most)
  }

  package var account: QualityAccount {
    var account = found
    account.entropy = entropies.mean
    return account
  }

  /// Whether the entropy is wanted of the distribution that the token at `place` of the reply is drawn from. That
  /// does not depend on how many tokens a pass makes.
  package func measures(at place: Int) -> Bool { place % interval == 0 }

  /// Takes note of the reply's next token.
  ///
  /// - Parameter entropy: of the distribution that it was drawn from, in nats, where it was measured.
  /// - Returns: what goes wrong as of this token; nil where nothing does, or did so before.
  package mutating func note(_ token: TokenID, entropy measured: Float?) -> QualityKind? {
    tokens += 1
    var new: QualityKind?
    if let limit, tokens > limit {
      if endless == nil { new = .endless }
      endless = extended(
        endless, QualityFinding(kind: .endless, firstToken: limit, tokens: tokens - limit))
    }
    if let measured {
      let kind = entropies.note(measured)
      if entropy != nil, kind != found.findings[entropy!].kind { entropy = nil }
      if let kind {
        if entropy == nil { new = kind }
        // The measurement stands for the tokens up to the next one, of which this is the first.
        let stretch = entropies.stretch - interval + 1
        entropy = extended(
          entropy,
          QualityFinding(kind: kind, firstToken: tokens - stretch, tokens: stretch))
      }
    }
    if let current = loops.note(token) {
      if loop != nil, found.findings[loop!].period != current.period { loop = nil }
      if loop == nil { new = .loop }
      loop = extended(
        loop,
        QualityFinding(
          kind: .loop, firstToken: tokens - current.tokens, tokens: current.tokens,
          period: current.period))
    } else {
      loop = nil
    }
    return new
  }

  /// The reply has ended.
  package mutating func finish(isContextFull: Bool) {
    guard isContextFull, let loop, endless == nil else { return }
    let finding = found.findings[loop]
    endless = extended(
      endless,
      QualityFinding(
        kind: .endless, firstToken: finding.firstToken, tokens: finding.tokens))
  }

  /// Goes on with a finding, or begins it.
  ///
  /// - Parameter place: nil: it begins.
  /// - Returns: its place; nil where there is none left.
  private mutating func extended(_ place: Int?, _ finding: QualityFinding) -> Int? {
    if let place {
      let end = finding.firstToken + finding.tokens
      found.findings[place].tokens = end - found.findings[place].firstToken
      return place
    }
    guard found.findings.count < QualityAccount.most else { return nil }
    found.findings.append(finding)
    return found.findings.count - 1
  }
}
