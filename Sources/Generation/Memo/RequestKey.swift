internal import Cache
internal import Cascade
internal import Model

/// What a request is told apart by: a digest of everything that has a say in the bits of its reply, so that
/// two with the same key are answered alike.
///
/// That is the model, its window, recall, blocks and format of keys and values (the identity before the
/// first block, which stands for them and the namespace), the context, the prompt, and of the options those
/// that ``RequestKey/init(_:root:contextLength:)`` names. What has none is left out: threads, kernels and
/// chunks, drafts, priority and deadline, and where nothing is drawn, the seed and what shapes a draw.
///
/// SHA-256, of which 128 bits are kept: nobody can have a request answered with another's reply by
/// choosing a prompt.
package struct RequestKey: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

extension RequestKey: CacheKey {
  package var digest: UInt64 { high ^ low }
}

extension RequestKey {
  /// The key of a reply that would be the same whenever it was made; nil where that is not certain, or not
  /// wanted, or where making it is the point:
  ///
  /// - something is drawn, and the caller left the seed to chance;
  /// - it may recall other sessions (``MemoryScope/namespace``): what there is to recall changes with every
  ///   reply, with consolidation, and with what other processes write into the same store, and no counter
  ///   of this process knows of all that;
  /// - it belongs to a session, whose memory has to become what it would;
  /// - it is to tell what was recalled, which depends on where that is now;
  /// - nothing is to be said, so that reading is all it is for;
  /// - it ends where it outgrows the replies before it (``QualityKind/endless``).
  ///
  /// - Parameters:
  ///   - root: the identity before the first block of the reply's owner.
  ///   - contextLength: tokens that a sequence with a full window may hold.
  init?(_ reply: Reply, root: BlockIdentity, contextLength: Int) {
    let (options, memory) = (reply.options, reply.options.memory)
    let draws = options.beams == nil && options.sampling.temperature != 0
    guard options.usesMemo, options.maxTokens != 0, reply.sequence == nil,
      memory.scope != .namespace, !memory.explains,
      memory.session == nil || memory.session == MemoryOwner.nobody,
      !draws || options.seed != nil, !options.qualityStop.contains(.endless)
    else { return nil }

    var hash = SHA256()
    hash.update(text: "spark request 1")
    hash.update(root.high)
    hash.update(root.low)
    hash.update(UInt64(contextLength))
    hash.update(text: memory.scope.rawValue)
    hash.update(reply.leavesBlocks)
    hash.update(reply.isContinuation)
    hash.update(options.ignoresEndTokens)
    hash.update(UInt64(reply.turnEnds.count))
    for token in reply.turnEnds.sorted() { hash.update(token) }
    hash.update(options.maxTokens.flatMap { $0 < 0 ? nil : $0 } ?? -1)
    hash.update(UInt64(options.stopStrings.count))
    for text in options.stopStrings { hash.update(text: text) }
    hash.update(UInt64(options.logprobs))
    let stops = options.qualityStop.map(\.rawValue).sorted()
    hash.update(UInt64(stops.count))
    for kind in stops { hash.update(text: kind) }
    hash.update(options.sampling, draws: draws)
    hash.update(draws)
    hash.update(draws ? options.seed ?? 0 : 0)
    hash.update(options.beams)
    hash.update(UInt64(reply.prompt.count))
    for token in reply.prompt { hash.update(token) }
    let words = hash.finish()
    self.init(
      high: UInt64(words[0]) << 32 | UInt64(words[1]),
      low: UInt64(words[2]) << 32 | UInt64(words[3]))
  }
}

extension Reply {
  /// Whether its blocks stay in memory when it has ended.
  var leavesBlocks: Bool {
    options.memory.scope != .none && options.memory.session != MemoryOwner.nobody
  }
}

extension SHA256 {
  fileprivate mutating func update(_ flag: Bool) { update(UInt8(flag ? 1 : 0)) }

  fileprivate mutating func update(_ number: Float) { update(number.bitPattern) }

  fileprivate mutating func update(_ number: Double) { update(number.bitPattern) }

  /// What changes scores, and, where something is drawn, what shapes the draw.
  fileprivate mutating func update(_ options: SamplingOptions, draws: Bool) {
    update(options.repetitionPenalty)
    update(options.repetitionWindow)
    update(options.presencePenalty)
    update(options.frequencyPenalty)
    update(options.dryMultiplier)
    update(options.dryBase)
    update(options.dryAllowedLength)
    update(options.dryPenaltyLastN)
    update(UInt64(options.drySequenceBreakers.count))
    for text in options.drySequenceBreakers { update(text: text) }
    update(UInt64(options.logitBias.count))
    for (token, bias) in options.logitBias.sorted(by: { $0.key < $1.key }) {
      update(token)
      update(bias)
    }
    guard draws else { return }
    update(options.temperature)
    update(options.topK)
    update(options.topP)
    update(options.minP)
    update(options.typicalP)
    update(options.topNSigma)
    update(options.xtcProbability)
    update(options.xtcThreshold)
    update(options.minKeep)
  }

  fileprivate mutating func update(_ options: BeamOptions?) {
    update(options != nil)
    guard let options else { return }
    update(options.width)
    update(options.best)
    update(options.lengthPenalty)
    update(options.groups)
    update(options.diversityPenalty)
    update(text: options.stopping.rawValue)
  }
}
