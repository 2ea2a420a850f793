public import Model

/// Chooses the tokens of one sequence.
///
/// Feed it every token of the sequence with ``accept(_:)``, the prompt's first, then alternate:
///
///     let token = sampler.sample(logits)
///     sampler.accept(token)
///
/// Both allocate nothing. The chain, in order: see ``SamplingOptions``. Equal logits, options,
/// history and generator give equal tokens; between machines the C library's exponential may differ
/// in its last bit.
///
/// A NaN logit counts as minus infinity. If every logit is NaN, minus infinity or banned, the
/// result is the lowest id, 0: a broken model or an impossible bias makes nonsense, not a crash.
///
/// A value type: a copy is an independent sampler in the same state. It holds about 12 bytes for
/// each token of the vocabulary, and 4 more each for penalties and for DRY.
public struct Sampler: Sendable {
  private let isGreedy: Bool
  private var logitBias: LogitBias
  private var penalties: Penalties
  private var dry: DRY
  private var topNSigma: TopNSigma
  private var topK: TopK
  private var typical: Typical
  private var topP: TopP
  private var minP: MinP
  private var xtc: XTC
  private var temperature: Temperature
  private var candidates: Candidates
  private var context: SamplingContext
  private let vocabularySize: Int

  /// A sampler without history.
  ///
  /// - Parameters:
  ///   - options: Options that have passed ``SamplingOptions/validate(vocabularySize:)``.
  ///   - vocabularySize: The number of logits at each step.
  ///   - contextLength: What "the whole context" means to the penalties' and DRY's windows.
  ///   - seed: Where the draws start.
  ///   - breakers: ``SamplingOptions/drySequenceBreakers`` as this model's tokens.
  public init(
    options: SamplingOptions, vocabularySize: Int, contextLength: Int, seed: UInt64,
    breakers: SequenceBreakers = .none
  ) {
    isGreedy = options.temperature == 0
    logitBias = LogitBias(options)
    penalties = Penalties(
      options, vocabularySize: vocabularySize, contextLength: contextLength)
    dry = DRY(
      options, breakers: breakers, vocabularySize: vocabularySize, contextLength: contextLength)
    topNSigma = TopNSigma(options)
    topK = TopK(options)
    typical = Typical(options)
    topP = TopP(options)
    minP = MinP(options)
    xtc = XTC(options)
    temperature = Temperature(options)
    let readsLogits = isGreedy && logitBias.isOff && penalties.isOff && dry.isOff
    candidates = Candidates(vocabularySize: readsLogits ? 0 : vocabularySize)
    context = SamplingContext(
      history: TokenHistory(capacity: max(penalties.historyLength, dry.historyLength)),
      generator: SeededGenerator(seed: seed))
    self.vocabularySize = vocabularySize
  }

  /// The likeliest next tokens, at most `count` of them, after bias, penalties and DRY: what greedy
  /// decoding would choose comes first. Nothing is drawn.
  package mutating func likeliest(_ count: Int, of logits: Span<Float>) -> [LikelyToken] {
    precondition(
      isGreedy && logits.count == vocabularySize,
      "\(logits.count) logits for a vocabulary of \(vocabularySize)")
    if candidates.vocabularySize == 0 { return likeliestTokens(in: logits, count: count) }
    penalise(logits)
    return candidates.likeliest(count)
  }

  /// Begins the chain: what changes scores.
  private mutating func penalise(_ logits: Span<Float>) {
    candidates.reset(to: logits)
    logitBias.run(on: &candidates, in: &context)
    penalties.run(on: &candidates, in: &context)
    dry.run(on: &candidates, in: &context)
  }

  /// The next token. Does not accept it.
  ///
  /// - Parameter logits: The model's, one for each token of the vocabulary.
  public mutating func sample(_ logits: Span<Float>) -> TokenID {
    precondition(
      logits.count == vocabularySize, "\(logits.count) logits for a vocabulary of \(vocabularySize)"
    )
    if candidates.vocabularySize == 0 { return TokenID(indexOfLargest(in: logits)) }
    penalise(logits)
    if isGreedy { return candidates.id(candidates.best) }
    topNSigma.run(on: &candidates, in: &context)
    topK.run(on: &candidates, in: &context)
    typical.run(on: &candidates, in: &context)
    topP.run(on: &candidates, in: &context)
    minP.run(on: &candidates, in: &context)
    xtc.run(on: &candidates, in: &context)
    temperature.run(on: &candidates, in: &context)
    return candidates.draw(at: context.generator.nextUnit())
  }

  /// Takes note of the sequence's next token: sampled, or of a prompt.
  public mutating func accept(_ token: TokenID) {
    precondition(
      token >= 0 && Int(token) < vocabularySize, "token \(token) of \(vocabularySize)")
    penalties.accept(token, after: context.history)
    context.history.append(token)
  }
}

// MARK: - Saving and restoring

extension Sampler {
  /// What a sampler remembers from step to step: enough for one with the same options to go on.
  public struct State: Sendable, Equatable, Codable {
    /// Where the draws have got to.
    public var generator: SeededGenerator
    /// As many recent tokens as the options look back on, oldest first.
    public var history: [TokenID]
  }

  /// A copy of the state; setting it replaces all that was accepted before.
  public var state: State {
    get { State(generator: context.generator, history: context.history.tokens) }
    set {
      penalties.removeAll()
      context.history.removeAll()
      for token in newValue.history { accept(token) }
      context.generator = newValue.generator
    }
  }
}

// MARK: - Guessing

extension Sampler {
  /// Where the draws have got to.
  package var generator: SeededGenerator {
    get { context.generator }
    set { context.generator = newValue }
  }

  /// What it would choose if these were the model's logits, and how probable the likeliest token is in
  /// them. Draws, and leaves no other trace: put ``generator`` back to draw the same again.
  package mutating func guess(_ logits: Span<Float>) -> (token: TokenID, probability: Float) {
    (sample(logits), probabilityOfBest(logits))
  }
}
