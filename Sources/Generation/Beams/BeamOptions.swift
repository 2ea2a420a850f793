/// Looks for the reply that scores best, instead of drawing one: at each step the best few beginnings,
/// the beams, go on (beam search).
///
/// A reply's score is its log-probability over its length to the power of ``lengthPenalty``,
/// `log p / length^α`, the end token included: the form that Hugging Face's `generate` uses. α = 0
/// compares log-probabilities, which favours short replies, α = 1 means per token.
///
/// Log-probabilities are of the model's scores after logit bias, penalties and DRY. Nothing is drawn, so
/// what shapes a draw has no effect, as with temperature 0: temperature, the truncations and XTC. Drafts
/// are off.
public struct BeamOptions: Sendable, Equatable {
  /// The most beams.
  public static let widest = 16

  /// Beams that go on side by side; one is greedy decoding.
  public var width: Int
  /// Replies to report, the best first.
  public var best: Int
  /// α above.
  public var lengthPenalty: Double
  /// Groups that the beams are split into, each of which searches by itself, but is kept from the tokens
  /// of the groups before it; 1: one for all.
  public var groups: Int
  /// What a token loses, in nats, for each beam of an earlier group that chose it in the same step
  /// (Hamming diversity; A. Vijayakumar et al. 2016, "Diverse Beam Search", arXiv:1610.02424). It
  /// decides what goes on, and is no part of a reply's score.
  public var diversityPenalty: Double
  /// When enough has been found.
  public var stopping: Stopping

  public init(
    width: Int = 4, best: Int = 1, lengthPenalty: Double = 1, groups: Int = 1,
    diversityPenalty: Double = 0, stopping: Stopping = .likely
  ) {
    self.width = width
    self.best = best
    self.lengthPenalty = lengthPenalty
    self.groups = groups
    self.diversityPenalty = diversityPenalty
    self.stopping = stopping
  }

  /// When a group of beams stops, of whose replies the `best` are wanted.
  public enum Stopping: String, Sendable, CaseIterable {
    /// Once that many have ended and no beam scores better as it stands. A beam might still come to: with
    /// α > 0, what goes on with likely tokens gains.
    case likely
    /// Once that many have ended and none of the beams can score better any more. With α > 0 that is
    /// often no sooner than at the most tokens.
    case certain
    /// Once that many have ended.
    case first
  }

  /// Beams of each group.
  var groupWidth: Int { width / groups }

  func validate() throws(OptionsError) {
    try require(
      (1...Self.widest).contains(width), "beams", "\(width)", "between 1 and \(Self.widest)")
    try require(
      (1...width).contains(best), "nbest", "\(best)", "between 1 and the number of beams, \(width)")
    try require(
      (0...10).contains(lengthPenalty), "lengthPenalty", "\(lengthPenalty)", "between 0 and 10")
    try require(
      groups >= 1 && width % groups == 0, "beamGroups", "\(groups)",
      "a number that divides the \(width) beams into groups of one size")
    try require(
      (0...1000).contains(diversityPenalty), "beamDiversity", "\(diversityPenalty)",
      "between 0 and 1000")
    try require(
      (groups > 1) == (diversityPenalty > 0), "beamDiversity", "\(diversityPenalty)",
      groups > 1
        ? "above 0 with \(groups) groups, which would say the same without it"
        : "0 with one group, which has none to differ from")
  }
}
