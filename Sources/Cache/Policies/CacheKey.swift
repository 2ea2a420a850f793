/// A key of which a frequency sketch can keep count.
///
/// `Hasher` is seeded anew in each process. A sketch that used it would make a replay with the same
/// seed end in other figures the next time, so keys bring bits of their own.
package protocol CacheKey: Hashable, Sendable {
  /// 64 well mixed bits, the same in every process; equal keys have equal digests.
  var digest: UInt64 { get }
}

extension BlockIdentity: CacheKey {
  /// The identity is a digest already.
  package var digest: UInt64 { high ^ low }
}

extension FrameKey: CacheKey {
  package var digest: UInt64 { (block.digest &+ UInt64(frame)).digest }
}

extension UInt64: CacheKey {
  /// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
  /// generators, OOPSLA 2014), after one step, so that 0 is mixed too.
  package var digest: UInt64 {
    var z = self &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
