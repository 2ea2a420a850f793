/// A way in which a text goes wrong that can be seen without reading it.
public enum QualityKind: String, Sendable, CaseIterable, Codable {
  /// The same tokens come again and again: at least ``QualityOptions/repetitions`` times in a row, and at least
  /// ``QualityOptions/leastLoop`` tokens in all.
  case loop
  /// The model has been sure of every token for long: the entropy of its distributions is near nothing.
  case collapse
  /// The model has had no idea for long: their entropy is near that of pure chance.
  case explosion
  /// The reply is several times as long as those that this engine's model has ended by itself, or it looped
  /// until the context was full.
  case endless
}
