internal import Cascade
internal import Model

/// Guesses one reply's next tokens: from its own text, from what its namespace has gone on with, or by
/// having them computed.
///
/// For each pass: `propose`, then `extend` with what is computed for as long as somebody is `asked`, then
/// `settle`; `note` when the draft has been checked.
struct Drafter {
  /// Somebody who computes drafts, and what that costs this reply, in passes of one row.
  struct Computer {
    let source: DraftSource
    /// Of each token.
    var price: Double
    /// Of reading what it has not read of the text.
    var arrears = 0.0
    /// Whether it may be asked now.
    var isFree = true
  }

  /// The reply's number among all of the engine.
  let number: Int
  /// The draft in question.
  private(set) var draft: [TokenID] = []
  /// Who is to compute the draft's next token; nil: nobody.
  private(set) var asked: DraftSource?
  private(set) var account = DraftAccount()
  /// Where the reply's draws had got to when the draft was begun.
  var generator: SeededGenerator?

  private let options: DraftOptions
  private let most: Int
  private var lookup: PromptLookup
  private var suffix = TokenSuffix()
  private let continuations: Continuations?
  private(set) var governor: DraftGovernor
  private var kind = DraftKind(.lookup, match: PromptLookup.shortest)
  /// Of a computed draft: what each token's chance is told by, and the chance.
  private var levels: [DraftKind] = []
  private var chances: [Double] = []
  private var price = 0.0
  /// Tokens that were to be had for the price of one when the draft was begun.
  private var rate = 1.0
  /// The most tokens of the draft being computed.
  private var limit = 0
  private var isTrial = false
  /// The first token of a draft that is not checked, to see whether it would have been right.
  private var unchecked: TokenID?

  /// - Parameters:
  ///   - most: the most tokens that a draft may have here.
  ///   - expected: tokens that the text may come to have.
  ///   - governor: with what is known before.
  init(
    _ options: DraftOptions, number: Int, most: Int, expected: Int, continuations: Continuations?,
    governor: DraftGovernor
  ) {
    self.governor = governor
    self.options = options
    self.number = number
    self.most = min(most, options.most)
    self.continuations = options.sources.contains(.continuations) ? continuations : nil
    lookup = PromptLookup(expected: expected)
    draft.reserveCapacity(self.most)
    levels.reserveCapacity(self.most)
    chances.reserveCapacity(self.most)
  }

  /// The text goes on.
  mutating func append(_ token: TokenID) {
    lookup.append(token)
    suffix.append(token)
    if let guess = unchecked {
      noteFirst(isRight: guess == token)
      unchecked = nil
    }
  }

  // MARK: - Making a draft

  /// Begins the draft that the next pass checks: with what was said before, or by asking who computes it.
  /// It may be empty.
  ///
  /// - Parameters:
  ///   - room: the most tokens that may be checked now.
  ///   - remaining: tokens that the reply may still come to have.
  ///   - computers: who may be asked.
  mutating func propose(
    room: Int, remaining: Int, computers: [Computer], costs: PassCosts
  ) {
    draft.removeAll(keepingCapacity: true)
    levels.removeAll(keepingCapacity: true)
    chances.removeAll(keepingCapacity: true)
    asked = nil
    isTrial = false
    limit = min(room, most)
    guard limit > 0 else { return }
    remember()
    guard options.mode == .automatic else {
      if draft.isEmpty, let next = turn(of: computers) { ask(next, rate: 1) }
      return
    }
    var gain = DraftGovernor.margin
    if !draft.isEmpty, costs.isKnown {
      gain = governor.best(of: kind, available: draft.count, costs: costs).gain
    }
    if costs.isKnown, compute(computers, beating: gain, remaining: remaining, costs) { return }
    guard !draft.isEmpty else { return }
    let length = governor.length(of: kind, available: draft.count, costs: costs)
    account.isTurnedOff = governor.isOff
    if length == 0 { unchecked = draft[0] }
    draft.removeLast(draft.count - length)
  }

  /// Drafts what was said before.
  private mutating func remember() {
    let found = options.sources.contains(.lookup) ? lookup.find() : nil
    // Of equally long matches, this text's own is nearer.
    let match =
      continuations?.draft(
        after: suffix, least: (found?.match ?? 0) + 1, most: limit, into: &draft) ?? 0
    if match > 0 {
      kind = DraftKind(.continuations, match: match)
    } else if let found {
      kind = DraftKind(.lookup, match: found.match)
      lookup.draft(from: found.place, most: limit, into: &draft)
    }
  }

  /// One of those who may be asked, each in turn.
  private func turn(of computers: [Computer]) -> Computer? {
    for offset in computers.indices {
      let computer = computers[(account.passes + offset) % computers.count]
      if mayAsk(computer) { return computer }
    }
    return nil
  }

  private func mayAsk(_ computer: Computer) -> Bool {
    computer.isFree && options.sources.contains(computer.source)
  }

  /// Asks whoever gains most, if it is more than `gain`; or, now and then, who would gain nothing.
  private mutating func compute(
    _ computers: [Computer], beating gain: Double, remaining: Int, _ costs: PassCosts
  ) -> Bool {
    var (best, bestGain): (Computer?, Double) = (nil, max(gain, DraftGovernor.computedMargin))
    for computer in computers where mayAsk(computer) {
      if governor.isNew(computer.source), Double(remaining) > 2 * computer.arrears {
        ask(computer, rate: 1)
        limit = min(limit, 2)
        return true
      }
      let gain = governor.best(
        of: DraftKind(computer.source), available: limit, price: computer.price, costs: costs
      ).gain
      // What is to be read first must be won back.
      let profit = (gain - 1) * Double(remaining)
      if gain > bestGain, profit > computer.arrears { (best, bestGain) = (computer, gain) }
    }
    if let best {
      ask(best, rate: bestGain)
      account.isTurnedOff = false
      return true
    }
    guard gain <= DraftGovernor.margin, let next = turn(of: computers) else { return false }
    account.isTurnedOff = true
    guard governor.isTrialDue(loss: next.price + next.arrears) else { return false }
    ask(next, rate: 1)
    isTrial = true
    limit = 1
    return true
  }

  private mutating func ask(_ computer: Computer, rate: Double) {
    draft.removeAll(keepingCapacity: true)
    (asked, price, self.rate) = (computer.source, computer.price, rate)
  }

  /// Adds a token that was computed, and goes on asking while another is worth it.
  ///
  /// - Parameter probability: of the likeliest token, in the eyes of who computed it.
  mutating func extend(_ token: TokenID, probability: Float, costs: PassCosts) {
    let source = asked!
    draft.append(token)
    levels.append(DraftKind(source, probability: probability))
    chances.append(governor.chance(of: levels.last!))
    guard draft.count < limit else {
      asked = nil
      return
    }
    guard options.mode == .automatic else { return }
    let reached = chances.reduce(1, *)
    if !governor.goesOn(
      source, length: draft.count, reached: reached, rate: rate, price: price, costs: costs)
    {
      asked = nil
    }
  }

  /// Nothing more is added; what is not worth checking goes.
  ///
  /// - Parameter room: the most tokens that may be checked now.
  mutating func settle(room: Int, costs: PassCosts) {
    var length = min(draft.count, room)
    if options.mode == .automatic, let first = levels.first {
      kind = first
      length = isTrial ? 0 : min(length, governor.worthChecking(chances, rate: rate, costs: costs))
      if length == 0 { unchecked = draft[0] }
    } else if let first = levels.first {
      kind = first
    }
    draft.removeLast(draft.count - length)
  }

  // MARK: - What came of it

  /// The draft has been checked: its first `accepted` tokens are right.
  mutating func note(accepted: Int) {
    account.passes += 1
    guard !draft.isEmpty else { return }
    account.draftPasses += 1
    account[kind.source].drafted += draft.count
    account[kind.source].passes += 1
    guard kind.source.isComputed else {
      return governor.note(kind, drafted: draft.count, accepted: accepted)
    }
    governor.note(DraftKind(kind.source), drafted: draft.count, accepted: accepted)
    for index in 0..<min(draft.count, accepted + 1) {
      governor.note(levels[index], drafted: 1, accepted: index < accepted ? 1 : 0)
    }
  }

  /// Whether the first token of a draft that was not checked is right.
  private mutating func noteFirst(isRight: Bool) {
    governor.note(kind, drafted: 1, accepted: isRight ? 1 : 0)
    guard kind.source.isComputed else { return }
    governor.note(DraftKind(kind.source), drafted: 1, accepted: isRight ? 1 : 0)
  }

  /// A token has been told, which was a draft's if `isDraft`.
  mutating func noteTold(isDraft: Bool) {
    account.tokens += 1
    if isDraft { account[kind.source].accepted += 1 }
  }

  /// Time went into guesses of `source`.
  mutating func noteTime(_ duration: Duration, of source: DraftSource) {
    account[source].time += duration
  }

  /// Whether the draft in question was asked of `source`.
  func wasAsked(_ source: DraftSource) -> Bool {
    asked == source || levels.first?.source == source
  }

  /// Where the draft was found that nobody had to compute; nil: nowhere.
  var found: DraftSource? { draft.isEmpty ? nil : kind.source }
}
