/// Whether, and how far, a reply's tokens are guessed before the model is asked, which then checks all
/// guesses in one pass. What is said is the same either way.
public struct DraftOptions: Sendable, Equatable {
  public enum Mode: String, Sendable, CaseIterable {
    /// As long as it pays, which is measured.
    case automatic = "auto"
    /// Wherever there is something to guess from, also where it makes the reply slower: to measure.
    case always
    case off
  }

  public var mode: Mode
  /// The most tokens to guess at once.
  public var most: Int
  /// Whether what the namespace has gone on with is drawn on, too: to measure.
  package var usesContinuations = true

  public init(mode: Mode = .automatic, most: Int = 8) {
    self.mode = mode
    self.most = most
  }

  func validate() throws(OptionsError) {
    try require((1...31).contains(most), "draftMax", "\(most)", "between 1 and 31")
  }
}
