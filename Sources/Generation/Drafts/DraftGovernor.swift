/// Decides how many tokens of a draft are worth checking.
///
/// A draft of k tokens, each right with chance a once those before it were, gives
/// 1 + a + … + aᵏ tokens for the price of a pass of k + 1 rows (Y. Leviathan et al., "Fast inference
/// from transformers via speculative decoding", ICML 2023). The k with the most tokens for its price is
/// taken, and none where that is less than one token for the price of one.
///
/// The chance is measured for each kind of draft, also while none is checked: whether a draft's first
/// token is the one that the model says next costs nothing to see. What costs is only to find out that
/// checking has become cheaper; for that, every pass saves up a little.
///
/// Where a draft is computed, its tokens have a price, too: 1 + a + … + aᵏ tokens for a pass of k + 1 rows
/// and k of whoever computes. Then a token at a time is decided on, by how sure of it that one was.
///
/// A value, without a clock.
package struct DraftGovernor: Sendable {
  /// What is forgotten of the past with each draft.
  private static let memory: Float = 0.97
  /// Tokens that an earlier reply's chances count for at most.
  private static let remembered: Float = 4
  /// What must be gained, beyond what measurements err by.
  package static let margin = 1.03
  /// The same of a computed draft, where two kinds of passes are measured.
  package static let computedMargin = 1.08
  /// What each pass saves up for a trial, in passes of one row.
  package static let savings = 0.005

  private var right: [Float]
  private var tried: [Float]
  private var saved = 0.0
  /// The same for what is computed.
  private var savedForComputing = 0.0
  /// Tokens of each source that have been held against what the model said, over all replies.
  private var seen = [Int](repeating: 0, count: DraftSource.allCases.count)
  /// The length that the next trial has.
  private var trialLength = 1
  /// Whether the last draft was not worth checking.
  package private(set) var isOff = false

  package init() {
    right = (0..<DraftKind.count).map { DraftKind(number: $0).assumed.right }
    tried = (0..<DraftKind.count).map { DraftKind(number: $0).assumed.tried }
  }

  /// For another reply: it begins with the chances that this one has seen, as if they had been few.
  package func successor() -> DraftGovernor {
    var next = DraftGovernor()
    next.savedForComputing = savedForComputing
    // Element by element: a shared array would be copied at the reply's first token.
    for source in seen.indices { next.seen[source] = seen[source] }
    for number in right.indices {
      let isComputed = DraftKind(number: number).source.isComputed
      let share = min(1, (isComputed ? DraftKind.patience : Self.remembered) / tried[number])
      next.right[number] = right[number] * share
      next.tried[number] = tried[number] * share
    }
    return next
  }

  /// The chance that a token of such a draft is right.
  package func chance(of kind: DraftKind) -> Double {
    min(0.995, Double(right[kind.number] / tried[kind.number]))
  }

  /// How many tokens of a draft to check.
  ///
  /// - Parameter available: tokens that it has, at least 1.
  package mutating func length(
    of kind: DraftKind, available: Int, costs: PassCosts
  ) -> Int {
    guard costs.isKnown else { return 0 }
    let best = best(of: kind, available: available, costs: costs).length
    isOff = best == 0
    // What one row more would cost is worth knowing.
    if best > 0, best < available, !costs.isMeasured(rows: best + 2) { return best + 1 }
    return trial(available: available, costs: costs) ?? best
  }

  /// The length whose tokens come cheapest, and how many of them there are for the price of one; none, and
  /// the least that must be gained, where they come no cheaper.
  ///
  /// - Parameter price: of computing each, in passes of one row.
  package func best(
    of kind: DraftKind, available: Int, price: Double = 0, costs: PassCosts
  ) -> (length: Int, gain: Double) {
    let chance = chance(of: kind)
    var (best, bestGain, expected, term) = (0, Self.margin, 1.0, 1.0)
    for length in 1...available {
      term *= chance
      expected += term
      let gain = expected / (costs.ratio(rows: length + 1) + Double(length) * price)
      if gain > bestGain { (best, bestGain) = (length, gain) }
    }
    return (best, bestGain)
  }

  /// A length that is checked to see what it costs, when enough has been saved up for it.
  private mutating func trial(available: Int, costs: PassCosts) -> Int? {
    saved += Self.savings
    let length = min(trialLength, available)
    let loss = costs.ratio(rows: length + 1) - 1
    guard saved >= loss, loss > 0 else { return nil }
    saved -= loss
    trialLength = 2 * length <= available ? 2 * length : 1
    return length
  }

  /// Whether too little has been seen of a source to say what it is worth.
  package func isNew(_ source: DraftSource) -> Bool {
    seen[source.rawValue] < Self.leastSeen
  }

  /// What is seen of a source before it is judged: each computed token counts twice, by itself and by how
  /// sure it was.
  private static let leastSeen = 16

  /// Whether one more token is worth computing for a draft of `length` tokens, which are all right with
  /// chance `reached`, where `rate` tokens are to be had for the price of one.
  package func goesOn(
    _ source: DraftSource, length: Int, reached: Double, rate: Double, price: Double,
    costs: PassCosts
  ) -> Bool {
    let further = costs.ratio(rows: length + 2) - costs.ratio(rows: length + 1)
    return reached * chance(of: DraftKind(source)) > rate * (price + further)
  }

  /// How many tokens of a draft that has been computed are worth checking.
  ///
  /// - Parameter chances: each one's, when those before it are right.
  package func worthChecking(_ chances: [Double], rate: Double, costs: PassCosts) -> Int {
    var (best, bestWorth, expected, reached) = (0, 1 - rate, 1.0, 1.0)
    for index in chances.indices {
      reached *= chances[index]
      expected += reached
      let worth = expected - rate * costs.ratio(rows: index + 2)
      if worth > bestWorth { (best, bestWorth) = (index + 1, worth) }
    }
    return best
  }

  /// Whether to compute a token that is not worth it, to see whether it has become so. To be asked at each
  /// pass that does without.
  ///
  /// - Parameter loss: what it costs, in passes of one row.
  package mutating func isTrialDue(loss: Double) -> Bool {
    savedForComputing += Self.savings
    guard savedForComputing >= loss else { return false }
    savedForComputing -= loss
    return true
  }

  /// Takes note of how a draft has fared: of its first tokens `accepted` were right, and the one behind
  /// them wrong unless they were all.
  package mutating func note(_ kind: DraftKind, drafted: Int, accepted: Int) {
    let number = kind.number
    seen[kind.source.rawValue] += min(drafted, accepted + 1)
    right[number] = right[number] * Self.memory + Float(accepted)
    tried[number] = tried[number] * Self.memory + Float(min(drafted, accepted + 1))
  }
}
