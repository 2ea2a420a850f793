/// What guessing tokens did for one reply.
public struct DraftAccount: Sendable, Equatable {
  /// Tokens that were guessed, and those of them that the model said, too.
  public struct Tally: Sendable, Equatable {
    public var drafted = 0
    public var accepted = 0

    public init(drafted: Int = 0, accepted: Int = 0) {
      self.drafted = drafted
      self.accepted = accepted
    }
  }

  /// Passes that the tokens after the first took.
  public var passes = 0
  /// Tokens that they gave.
  public var tokens = 0
  /// Passes that had something to check.
  public var draftPasses = 0
  /// Guesses from the prompt and the reply so far.
  public var lookup = Tally()
  /// Guesses from what the namespace has gone on with.
  public var continuations = Tally()
  /// Whether at the end there was something to guess from, and it would not have paid.
  public var isTurnedOff = false

  public init() {}

  public var drafted: Int { lookup.drafted + continuations.drafted }
  public var accepted: Int { lookup.accepted + continuations.accepted }
  /// Nil when there was no pass.
  public var tokensPerPass: Double? { passes > 0 ? Double(tokens) / Double(passes) : nil }

  subscript(source: DraftSource) -> Tally {
    get { source == .lookup ? lookup : continuations }
    set {
      switch source {
      case .lookup: lookup = newValue
      case .continuations: continuations = newValue
      }
    }
  }
}
