/// Whether, and how far, a reply's tokens are guessed before the model is asked, which then checks all
/// guesses in one pass. What is said is the same either way.
///
/// They are guessed from the text and the namespace's memory, and where the engine has them, by a second
/// model (``EngineOptions/draftModel``) or the model's own first layers (``EngineOptions/draftExit``).
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
  /// What is drawn on, of what there is: to measure.
  package var sources = Set(DraftSource.allCases)

  public init(mode: Mode = .automatic, most: Int = 8) {
    self.mode = mode
    self.most = most
  }

  func validate() throws(OptionsError) {
    try require((1...31).contains(most), "draftMax", "\(most)", "between 1 and 31")
  }
}
