import Glibc
public import Model

/// A token and the logarithm of its probability.
public struct TokenLogprob: Sendable, Equatable, Codable {
  public var token: TokenID
  public var logprob: Float

  public init(token: TokenID, logprob: Float) {
    self.token = token
    self.logprob = logprob
  }
}

/// What the model itself thought of one step, before any sampler: log-softmax of its logits.
public struct TokenLogprobs: Sendable, Equatable, Codable {
  /// The token that was chosen.
  public var chosen: TokenLogprob
  /// The likeliest tokens, most likely first, lower ids first among equals.
  public var top: [TokenLogprob]

  /// Computes them from the logits of the step, which are therefore kept nowhere.
  ///
  /// NaN logits count as minus infinity; where every logit is, each logprob is minus infinity.
  /// O(vocabulary), and it allocates: call it only where it was asked for.
  ///
  /// - Parameters:
  ///   - logits: The model's, unmodified.
  ///   - token: The token that was chosen.
  ///   - count: How many of the likeliest to report.
  public init(logits: Span<Float>, chosen token: TokenID, top count: Int) {
    let maximum = sanitised(largest(of: logits))
    var total = 0.0
    if maximum > -.infinity {
      for index in logits.indices { total += Double(exp(sanitised(logits[index]) - maximum)) }
    }
    let logTotal = log(total)
    func logprob(_ token: TokenID) -> TokenLogprob {
      let logit = sanitised(logits[Int(token)])
      let logprob = logit > -.infinity ? Float(Double(logit - maximum) - logTotal) : -.infinity
      return TokenLogprob(token: token, logprob: logprob)
    }
    // Insertion into a short sorted list, which nearly no token reaches.
    let count = min(count, logits.count)
    var likeliest: [TokenID] = []
    likeliest.reserveCapacity(count + 1)
    for token in 0..<TokenID(logits.count) where count > 0 {
      func comesBefore(_ other: TokenID) -> Bool {
        precedes(sanitised(logits[Int(token)]), token, sanitised(logits[Int(other)]), other)
      }
      if likeliest.count == count {
        if !comesBefore(likeliest[count - 1]) { continue }
        likeliest.removeLast()
      }
      likeliest.insert(token, at: likeliest.firstIndex(where: comesBefore) ?? likeliest.count)
    }
    self.chosen = logprob(token)
    self.top = likeliest.map(logprob)
  }
}
