/// What a run may do to the machine.
public struct ThermalOptions: Sendable, Equatable {
  /// How near to its limits a run may bring the machine.
  public enum Mode: String, Sendable, CaseIterable, Codable {
    /// Nothing is governed, whatever happens.
    case off
    /// All threads, up to eight degrees below where the machine protects itself.
    case performance
    /// All threads, up to ten degrees below.
    case balanced
    /// Half the threads, up to twenty degrees below.
    case efficiency
  }

  public var mode: Mode
  /// Degrees Celsius that the processor should never pass; nil: what the machine says.
  public var maxTemperature: Double?
  /// Seconds for which a retreat holds, and between two changes of direction.
  public var cooldown: Double

  public init(mode: Mode = .balanced, maxTemperature: Double? = nil, cooldown: Double = 30) {
    self.mode = mode
    self.maxTemperature = maxTemperature
    self.cooldown = cooldown
  }
}
