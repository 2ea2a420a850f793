/// How samples lie: the middle, the quarters and the ends.
struct Spread {
  let minimum: Double
  let lowerQuartile: Double
  let median: Double
  let upperQuartile: Double
  let maximum: Double

  /// - Precondition: there is a sample.
  init(_ samples: [Double]) {
    precondition(!samples.isEmpty, "nothing has no middle")
    let sorted = samples.sorted()
    /// Between two samples in proportion, as most programs define quantiles (Hyndman and Fan 1996, type 7).
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
    minimum = sorted[0]
    lowerQuartile = quantile(0.25)
    median = quantile(0.5)
    upperQuartile = quantile(0.75)
    maximum = sorted[sorted.count - 1]
  }
}
