/// What the machine can do at most with the threads that passes have.
public struct MachineLimits: Sendable, Equatable {
  /// Bytes read from memory per second.
  public var readBandwidth: Double
  /// Operations of products of bytes per second, a multiplication and an addition being two.
  public var integerPeak: Double
  /// The same for products of floats.
  public var floatPeak: Double

  public init(readBandwidth: Double, integerPeak: Double, floatPeak: Double) {
    self.readBandwidth = readBandwidth
    self.integerPeak = integerPeak
    self.floatPeak = floatPeak
  }
}
