import Glibc

/// The randomness of generated traces: the same seed gives the same trace on every machine and with
/// every version of the standard library.
///
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
struct TraceRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    defer { state &+= 0x9E37_79B9_7F4A_7C15 }
    return state.digest
  }

  /// A number in 0..<1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number in `range`, each as likely to within 2^-32.
  mutating func next(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(unit() * Double(range.count))
  }

  /// How many tries it takes on average `mean` times until one succeeds; at least 1.
  mutating func geometric(mean: Double) -> Int {
    var tries = 1
    while unit() >= 1 / mean { tries += 1 }
    return tries
  }
}

/// Ranks 0 to n-1, rank r as likely as 1 / (r + 1)^exponent (Zipf's law).
struct ZipfRanks {
  private let cumulative: [Double]

  init(count: Int, exponent: Double) {
    var sum = 0.0
    cumulative = (1...count).map { rank in
      sum += pow(Double(rank), -exponent)
      return sum
    }
  }

  func next(_ random: inout TraceRandom) -> Int {
    let target = random.unit() * (cumulative.last ?? 0)
    var (low, high) = (0, cumulative.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > target { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
