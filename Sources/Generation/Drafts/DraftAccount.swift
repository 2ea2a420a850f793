/// What guessing tokens did for one reply.
public struct DraftAccount: Sendable, Equatable {
  /// Tokens that were guessed, and those of them that the model said, too.
  public struct Tally: Sendable, Equatable {
    public var drafted = 0
    public var accepted = 0
    /// Passes of the model that checked some of them.
    public var passes = 0
    /// Time spent on finding or computing guesses, those that were not checked among them. Where several
    /// replies' are computed together, it counts for each.
    public var time = Duration.zero

    public init(drafted: Int = 0, accepted: Int = 0, passes: Int = 0, time: Duration = .zero) {
      self.drafted = drafted
      self.accepted = accepted
      self.passes = passes
      self.time = time
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
  /// Guesses of a second model.
  public var model = Tally()
  /// Guesses of the model's own first layers.
  public var exit = Tally()
  /// Whether at the end there was something to guess from, and it would not have paid.
  public var isTurnedOff = false

  public init() {}

  private var all: [Tally] { [lookup, continuations, model, exit] }
  public var drafted: Int { all.reduce(0) { $0 + $1.drafted } }
  public var accepted: Int { all.reduce(0) { $0 + $1.accepted } }
  /// Nil when there was no pass.
  public var tokensPerPass: Double? { passes > 0 ? Double(tokens) / Double(passes) : nil }

  subscript(source: DraftSource) -> Tally {
    get {
      switch source {
      case .lookup: lookup
      case .continuations: continuations
      case .model: model
      case .earlyLayers, .halfLayers, .mostLayers: exit
      }
    }
    set {
      switch source {
      case .lookup: lookup = newValue
      case .continuations: continuations = newValue
      case .model: model = newValue
      case .earlyLayers, .halfLayers, .mostLayers: exit = newValue
      }
    }
  }
}
