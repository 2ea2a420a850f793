/// What holds a module back (S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance
/// model for multicore architectures", CACM 52(4), 2009, doi:10.1145/1498765.1498785).
public enum ProfileBound: String, Sendable {
  /// It reads more than memory gives in the time that its products take.
  case bandwidth
  /// Its products take longer than what it reads.
  case compute
  /// It reads little and multiplies nothing.
  case neither
}

extension RunProfile.Module {
  /// The limit that is nearest, and the part of it that was reached: above 1 where what it reads was in caches.
  public func bound(by limits: Roofline) -> (bound: ProfileBound, reached: Double) {
    let seconds = time / .seconds(1)
    guard seconds > 0 else { return (.neither, 0) }
    let peak = isOfIntegers == true ? limits.integerPeak : limits.floatPeak
    let reading = Double(bytes) / limits.readBandwidth
    let computing = Double(operations) / peak
    // What little a norm or the embedding reads is nothing that anybody waits for.
    guard max(reading, computing) > seconds / 100 else { return (.neither, 0) }
    return reading >= computing
      ? (.bandwidth, reading / seconds) : (.compute, computing / seconds)
  }
}

extension RunProfile.Phase {
  /// The module that takes most of the time, the rest of the step not counted.
  public var bottleneck: RunProfile.Module? {
    modules.filter { $0.module != .other && $0.time > .zero }.max { $0.time < $1.time }
  }

  /// The part of the time that modules spend that are held back by each limit.
  public func share(boundBy bound: ProfileBound, of limits: Roofline) -> Double {
    modules.reduce(0) { $0 + ($1.bound(by: limits).bound == bound ? share(of: $1) : 0) }
  }
}
