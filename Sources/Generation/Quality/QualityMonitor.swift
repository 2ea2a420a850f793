package import Model

/// Watches a reply as its tokens are told. A value that is fed with tokens and now and then an entropy; it
/// allocates nothing after its making, but for what it finds.
package struct QualityMonitor: Sendable {
  private let interval: Int
  private let limit: Int?
  private var loops: LoopDetector
  private var entropies: EntropyWatch
  private var tokens = 0
  /// The findings that go on.
  private var loop: Finding?
  private var entropy: Finding?
  private var endless: Finding?
  private var found = QualityAccount()

  private struct Finding {
    var finding: QualityFinding
    /// In the account; nil: it has no room for it.
    var place: Int?
  }

  /// - Parameter limit: tokens beyond which the reply is endless; nil: it never is.
  package init(
    _ options: QualityOptions = QualityOptions(), vocabularySize: Int, limit: Int? = nil
  ) {
    interval = options.interval
    self.limit = limit
    loops = LoopDetector(options)
    entropies = EntropyWatch(options, vocabularySize: vocabularySize)
    found.findings.reserveCapacity(QualityAccount.most + QualityKind.allCases.count)
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
  /// - Returns: all that goes wrong as of this token, and did not before it.
  package mutating func note(_ token: TokenID, entropy measured: Float?) -> QualityKinds {
    tokens += 1
    var new: QualityKinds = []
    if let limit, tokens > limit {
      if endless == nil { new.formUnion(QualityKinds(.endless)) }
      endless = extended(
        endless, QualityFinding(kind: .endless, firstToken: limit, tokens: tokens - limit))
    }
    if let measured {
      let kind = entropies.note(measured)
      if entropy?.finding.kind != kind { entropy = nil }
      if let kind {
        if entropy == nil { new.formUnion(QualityKinds(kind)) }
        // The measurement stands for the tokens up to the next one, of which this is the first.
        let stretch = entropies.stretch - interval + 1
        entropy = extended(
          entropy, QualityFinding(kind: kind, firstToken: tokens - stretch, tokens: stretch))
      }
    }
    if let current = loops.note(token) {
      if loop?.finding.period != current.period { loop = nil }
      if loop == nil { new.formUnion(QualityKinds(.loop)) }
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
  ///
  /// - Parameter isContextFull: whether for want of room alone, where the model might have ended it.
  package mutating func finish(isContextFull: Bool) {
    guard isContextFull, endless == nil, let loop = loop?.finding else { return }
    endless = extended(
      endless, QualityFinding(kind: .endless, firstToken: loop.firstToken, tokens: loop.tokens))
  }

  /// Goes on with a finding, or begins it. The first of its kind always has a place in the account.
  private mutating func extended(_ known: Finding?, _ finding: QualityFinding) -> Finding {
    if var known {
      known.finding.tokens = finding.firstToken + finding.tokens - known.finding.firstToken
      if let place = known.place { found.findings[place].tokens = known.finding.tokens }
      return known
    }
    guard
      found.findings.count < QualityAccount.most
        || !found.findings.contains(where: { $0.kind == finding.kind })
    else { return Finding(finding: finding, place: nil) }
    found.findings.append(finding)
    return Finding(finding: finding, place: found.findings.count - 1)
  }
}
