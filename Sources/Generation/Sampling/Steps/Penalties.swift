package import Model

/// Makes tokens of the recent past less likely.
///
/// With `n` the number of times a token occurs in the window, for `n > 0`:
///
///     logit = logit > 0 ? logit / repetition : logit · repetition
///     logit = logit - n · frequency - presence
///
/// The repetition penalty is that of CTRL (N. Keskar et al., "CTRL: A Conditional Transformer
/// Language Model for Controllable Generation", 2019, arXiv:1909.05858), which only divides; a
/// negative logit is multiplied instead, or it would be rewarded. Presence and frequency are
/// OpenAI's.
package struct Penalties: SamplingStep {
  private let repetition: Float
  private let presence: Float
  private let frequency: Float
  private let window: Int
  /// By token: how often it occurs in the window. Negative while it is marked, within `apply`.
  private var counts: [Int32]

  /// - Parameter contextLength: The window, where the options say the whole context.
  package init(_ options: SamplingOptions, vocabularySize: Int, contextLength: Int) {
    repetition = options.repetitionPenalty
    presence = options.presencePenalty
    frequency = options.frequencyPenalty
    let window = options.repetitionWindow < 0 ? contextLength : options.repetitionWindow
    let isOff = window == 0 || (repetition == 1 && presence == 0 && frequency == 0)
    self.window = isOff ? 0 : window
    counts = [Int32](repeating: 0, count: isOff ? 0 : vocabularySize)
  }

  package var isOff: Bool { window == 0 }

  /// How many tokens of history it needs.
  package var historyLength: Int { window }

  /// Counts `token`, and forgets the one that leaves the window. Call it before `history` takes
  /// the token.
  package mutating func accept(_ token: TokenID, after history: TokenHistory) {
    if isOff { return }
    counts[Int(token)] += 1
    if history.count >= window { counts[Int(history[back: window - 1])] -= 1 }
  }

  package mutating func removeAll() {
    for token in counts.indices { counts[token] = 0 }
  }

  package mutating func apply(to candidates: inout Candidates, in context: inout SamplingContext) {
    // Marking what has been dealt with saves a set of the distinct tokens.
    let length = min(window, context.history.count)
    for back in 0..<length {
      let token = context.history[back: back]
      let count = counts[Int(token)]
      if count < 0 { continue }
      counts[Int(token)] = -count
      let logit = candidates[token: token]
      let scaled = logit > 0 ? logit / repetition : logit * repetition
      candidates[token: token] = scaled - Float(count) * frequency - presence
    }
    for back in 0..<length {
      let token = Int(context.history[back: back])
      counts[token] = abs(counts[token])
    }
  }
}
