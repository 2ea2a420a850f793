internal import Glibc

extension Double {
  /// With `places` digits after the point.
  func rounded(to places: Int) -> String {
    guard isFinite, abs(self) < 1e12 else { return "\(self)" }
    let scale = pow(10, Double(places))
    let scaled = Int((magnitude * scale).rounded())
    let unit = Int(scale)
    let fraction = "\(scaled % unit)"
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + "\(scaled)" }
    return sign + "\(scaled / unit)." + String(repeating: "0", count: places - fraction.count)
      + fraction
  }
}

extension Estimate {
  /// `0.12 [0.08, 0.15]`
  package func description(places: Int) -> String {
    "\(mean.rounded(to: places)) [\(low.rounded(to: places)), \(high.rounded(to: places))]"
  }
}
