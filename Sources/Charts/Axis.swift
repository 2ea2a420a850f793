import Glibc

/// Places numbers between two coordinates, and chooses which to write beside the axis.
struct Axis {
  let ticks: [Double]
  private let isLogarithmic: Bool
  /// The axis's ends, as logarithms where it is logarithmic.
  private let (low, high): (Double, Double)
  private let (from, to): (Double, Double)

  /// An axis that holds all `values`, which are finite, and positive where it is logarithmic.
  init(values: [Double], isLogarithmic: Bool, from: Double, to: Double) {
    let scaled = values.map { isLogarithmic ? log2($0) : $0 }
    var (low, high) = (scaled.min() ?? 0, scaled.max() ?? 1)
    if low == high { (low, high) = (low - 0.5, high + 0.5) }
    if isLogarithmic {
      // The axis ends where the values do, or a hair beyond, so that 0.9999 has the tick 1; with
      // fewer than two powers of two between, it reaches out to the nearest.
      (low, high) = (low - 0.01, high + 0.01)
      if high.rounded(.down) <= low.rounded(.up) {
        (low, high) = (low.rounded(.down), high.rounded(.up))
      }
      let first = low.rounded(.up)
      let step = max(1, ((high - first) / 10).rounded(.up))
      ticks = stride(from: first, through: high, by: step).map { exp2($0) }
    } else {
      let step = Self.step(for: high - low)
      (low, high) = ((low / step).rounded(.down) * step, (high / step).rounded(.up) * step)
      ticks = (0...Int(((high - low) / step).rounded())).map { low + Double($0) * step }
    }
    (self.low, self.high, self.isLogarithmic) = (low, high, isLogarithmic)
    (self.from, self.to) = (from, to)
  }

  func place(_ value: Double) -> Double {
    from + (to - from) * ((isLogarithmic ? log2(value) : value) - low) / (high - low)
  }

  /// 1, 2 or 5 times a power of ten, so that there are four to ten steps in `range`.
  private static func step(for range: Double) -> Double {
    let power = pow(10, (log10(range)).rounded(.down))
    return [0.1, 0.2, 0.5, 1].map { $0 * power }.first { range / $0 <= 10 } ?? power
  }
}
