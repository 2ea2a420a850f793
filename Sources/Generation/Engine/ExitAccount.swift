/// What leaving layers out (``EngineOptions/earlyExit``) came to in one reply.
public struct ExitAccount: Sendable, Equatable {
  /// Tokens that were chosen before the last layer.
  public var tokens = 0
  /// Layers that were left out for them, added up.
  public var layers = 0

  public init() {}

  mutating func note(skippedLayers: Int) {
    guard skippedLayers > 0 else { return }
    tokens += 1
    layers += skippedLayers
  }
}
