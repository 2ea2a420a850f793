public import Hardware

/// How the machine felt while a reply was made, and what the governor did about it. Other replies of
/// the engine at the same time count in; unknown values are nil.
public struct RunConditions: Sendable, Codable, Equatable {
  /// Time spent in one of the governor's states, and the tokens made in it.
  public struct Phase: Sendable, Codable, Equatable {
    public var state: GovernorState
    public var seconds: Double
    public var tokens: Int
    /// Nil for no measurable time.
    public var tokensPerSecond: Double?
  }

  public struct Change: Sendable, Codable, Equatable {
    /// Seconds since the run began.
    public var seconds: Double
    /// What changed, and why.
    public var description: String
  }

  public var mode: ThermalOptions.Mode
  public var phases: [Phase] = []
  public var changes: [Change] = []
  /// Degrees Celsius.
  public var lowestTemperature: Double?
  public var highestTemperature: Double?
  /// Megahertz.
  public var lowestFrequency: Double?
  public var highestFrequency: Double?
  /// How often the hardware slowed itself down meanwhile.
  public var throttleCount: Int?

  mutating func note(_ reading: Reading) {
    lowestTemperature = [lowestTemperature, reading.temperature].compactMap(\.self).min()
    highestTemperature = [highestTemperature, reading.temperature].compactMap(\.self).max()
    lowestFrequency = [lowestFrequency, reading.frequency].compactMap(\.self).min()
    highestFrequency = [highestFrequency, reading.frequency].compactMap(\.self).max()
  }

  mutating func spend(_ seconds: Double, tokens: Int, in state: GovernorState) {
    let index = phases.firstIndex { $0.state == state } ?? phases.count
    if index == phases.count { phases.append(Phase(state: state, seconds: 0, tokens: 0)) }
    phases[index].seconds += seconds
    phases[index].tokens += tokens
    let phase = phases[index]
    phases[index].tokensPerSecond =
      phase.seconds > 0 ? Double(phase.tokens) / phase.seconds : nil
  }
}
