/// A machine's heat, simulated: one body with a heat capacity that loses heat to its surroundings,
/// warmed by work, and a processor that protects itself.
///
/// dT/dt = (power(width) − conductance · (T − ambient)) / capacity. Above the trip point the
/// processor falls back to its lowest clock until it has cooled by a few degrees, as hardware
/// protection does: it loses more speed than it saves power.
package struct ThermalPlant: Sendable {
  package struct Shape: Sendable {
    /// Joules per kelvin.
    package var capacity = 90.0
    /// Watts per kelvin.
    package var conductance = 0.55
    /// Watts at rest, and watts for each sequence of the batch.
    package var idlePower = 8.0
    package var widthPower = 1.8
    package var maxWidth = 32
    /// Sequences at which a step costs twice what reading the weights alone does.
    package var halfWidth = 16.0
    /// Where the processor begins to protect itself, and where it stops, in degrees Celsius.
    package var trip = 95.0
    package var critical = 105.0
    /// Kelvin below the trip point at which a throttled processor runs freely again.
    package var relief = 6.0
    /// Shares of speed and power that throttling leaves.
    package var throttledSpeed = 0.35
    package var throttledPower = 0.55
    /// Seconds by which the sensor lags, and the spread of its noise in kelvin.
    package var sensorLag = 2.0
    package var sensorNoise = 0.5

    package init() {}

    /// Watts at a width, 0 being rest.
    package func power(_ width: Double) -> Double { idlePower + widthPower * width }

    /// Tokens per second at a width: each step reads the weights once, and arithmetic grows.
    package func speed(_ width: Double) -> Double { 20 * width / (1 + width / halfWidth) }

    /// The width, fractions allowed, at which the plant settles at `celsius`.
    package func steadyWidth(celsius: Double, ambient: Double) -> Double {
      let width = (conductance * (celsius - ambient) - idlePower) / widthPower
      return max(0, min(Double(maxWidth), width))
    }
  }

  package let shape: Shape
  package private(set) var celsius: Double
  /// What the sensor shows.
  package private(set) var sensed: Double
  package private(set) var tokens = 0.0
  package private(set) var throttleCount = 0
  package private(set) var isThrottled = false

  package init(shape: Shape = Shape(), ambient: Double) {
    self.shape = shape
    celsius = ambient + shape.idlePower / shape.conductance
    sensed = celsius
  }

  /// Lets `seconds` pass at a width, idle for a share `pause` of them.
  ///
  /// - Returns: what one unit of fixed-cost work took, in seconds; nil when none was done.
  @discardableResult
  package mutating func run(
    width: Double, pause: Double, ambient: Double, seconds: Double
  ) -> Double? {
    if celsius > shape.trip, !isThrottled {
      isThrottled = true
      throttleCount += 1
    } else if celsius < shape.trip - shape.relief {
      isThrottled = false
    }
    let busy = 1 - pause
    let speed = isThrottled ? shape.throttledSpeed : 1
    let work = shape.power(width) - shape.idlePower
    let power = shape.idlePower + busy * work * (isThrottled ? shape.throttledPower : 1)
    celsius += (power - shape.conductance * (celsius - ambient)) / shape.capacity * seconds
    sensed += (celsius - sensed) * min(1, seconds / max(shape.sensorLag, seconds))
    let rate = shape.speed(width) * speed
    tokens += rate * busy * seconds
    return rate > 0 && busy > 0 ? 1 / speed : nil
  }
}
