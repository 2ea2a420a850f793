internal import Cascade
internal import Model

/// Guesses one reply's next tokens, from its own text and from what its namespace has gone on with.
struct Drafter {
  /// The draft in question.
  private(set) var draft: [TokenID] = []
  private(set) var account = DraftAccount()

  private let options: DraftOptions
  private let most: Int
  private var lookup: PromptLookup
  private var suffix = TokenSuffix()
  private let continuations: Continuations?
  private(set) var governor: DraftGovernor
  private var kind = DraftKind(.lookup, match: PromptLookup.shortest)
  /// The first token of a draft that is not checked, to see whether it would have been right.
  private var unchecked: TokenID?

  /// - Parameters:
  ///   - most: the most tokens that a draft may have here.
  ///   - expected: tokens that the text may come to have.
  ///   - governor: with what is known before.
  init(
    _ options: DraftOptions, most: Int, expected: Int, continuations: Continuations?,
    governor: DraftGovernor
  ) {
    self.governor = governor
    self.options = options
    self.most = min(most, options.most)
    self.continuations = options.usesContinuations ? continuations : nil
    lookup = PromptLookup(expected: expected)
    draft.reserveCapacity(self.most)
  }

  /// The text goes on.
  mutating func append(_ token: TokenID) {
    lookup.append(token)
    suffix.append(token)
    if let guess = unchecked {
      governor.note(kind, drafted: 1, accepted: guess == token ? 1 : 0)
      unchecked = nil
    }
  }

  /// Makes the draft that the next pass checks; it may be empty.
  ///
  /// - Parameter room: the most tokens that may be checked now.
  mutating func propose(room: Int, costs: PassCosts) {
    draft.removeAll(keepingCapacity: true)
    let room = min(room, most)
    guard room > 0 else { return }
    let found = lookup.find()
    // Of equally long matches, this text's own is nearer.
    let match =
      continuations?.draft(
        after: suffix, least: (found?.match ?? 0) + 1, most: room, into: &draft) ?? 0
    if match > 0 {
      kind = DraftKind(.continuations, match: match)
    } else if let found {
      kind = DraftKind(.lookup, match: found.match)
      lookup.draft(from: found.place, most: room, into: &draft)
    }
    guard !draft.isEmpty, options.mode == .automatic else { return }
    let length = governor.length(of: kind, available: draft.count, costs: costs)
    account.isTurnedOff = governor.isOff
    if length == 0 { unchecked = draft[0] }
    draft.removeLast(draft.count - length)
  }

  /// The draft has been checked: its first `accepted` tokens are right.
  mutating func note(accepted: Int) {
    account.passes += 1
    guard !draft.isEmpty else { return }
    account.draftPasses += 1
    account[kind.source].drafted += draft.count
    governor.note(kind, drafted: draft.count, accepted: accepted)
  }

  /// A token has been told, which was a draft's if `isDraft`.
  mutating func noteTold(isDraft: Bool) {
    account.tokens += 1
    if isDraft { account[kind.source].accepted += 1 }
  }
}
