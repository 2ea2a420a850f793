internal import Model

/// Tokens that have been sampled and not yet told: what a pass that checked a draft leaves beyond its
/// first.
struct SampledTokens {
  struct Token {
    let id: TokenID
    /// Whether a draft had it.
    let isDraft: Bool
    /// Layers that were left out for it.
    let skippedLayers: Int
    let logprobs: TokenLogprobs?
    /// Of the model's distribution, in nats; nil where it was not measured.
    var entropy: Float?
  }

  private var tokens: [Token] = []
  private var told = 0

  /// - Parameter capacity: the most that a pass samples.
  init(capacity: Int) { tokens.reserveCapacity(capacity) }

  var isEmpty: Bool { told == tokens.count }
  var count: Int { tokens.count - told }

  mutating func append(_ token: Token) { tokens.append(token) }

  /// Takes the first one, of at least one.
  mutating func take() -> Token {
    defer {
      told += 1
      if isEmpty { removeAll() }
    }
    return tokens[told]
  }

  mutating func removeAll() {
    tokens.removeAll(keepingCapacity: true)
    told = 0
  }
}
