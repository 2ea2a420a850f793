/// A small seeded random generator whose state can be saved and restored: xoshiro256**, seeded
/// through SplitMix64.
///
/// Not for secrets. Period 2^256 - 1; all 64 bits are usable.
///
/// Sources: D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47
/// (2021); G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  /// A generator for `seed`; every seed, 0 included, gives a sequence of its own.
  public init(seed: UInt64) {
    var mix = SplitMix64(state: seed)
    (s0, s1, s2, s3) = (mix.next(), mix.next(), mix.next(), mix.next())
  }

  /// The generator that had these `words`; `nil` unless they are four and not all zero, a state
  /// that xoshiro never reaches and never leaves.
  public init?(words: [UInt64]) {
    guard words.count == 4, words.contains(where: { $0 != 0 }) else { return nil }
    (s0, s1, s2, s3) = (words[0], words[1], words[2], words[3])
  }

  /// The whole state, four words.
  public var words: [UInt64] { [s0, s1, s2, s3] }

  public mutating func next() -> UInt64 {
    let result = rotated(s1 &* 5, by: 7) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = rotated(s3, by: 45)
    return result
  }

  /// A number in `0..<1`, one of 2^53 equally likely.
  public mutating func nextUnit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }
}

extension SeededGenerator: Codable {
  /// The four words, as an array.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let generator = Self(words: try container.decode([UInt64].self)) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "A random generator's state is four numbers that are not all 0.")
    }
    self = generator
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(words)
  }
}

/// Spreads one seed over several words of state.
package struct SplitMix64 {
  private var state: UInt64

  package init(state: UInt64) { self.state = state }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

private func rotated(_ x: UInt64, by k: UInt64) -> UInt64 {
  (x << k) | (x >> (64 - k))
}
