/// Which seed a prompt of a batch gets when it names none.
package enum BatchSeed {
  /// A seed of its own for each line, the same whenever and wherever it is made: the line's number of the
  /// sequence of numbers that begins with `base` (SplitMix64). Below 2⁵³, which every reader of JSON can take.
  ///
  /// - Parameter line: from 1.
  package static func seed(base: UInt64, line: Int) -> UInt64 {
    var mix = SplitMix64(state: base &+ UInt64(line) &* 0x9E37_79B9_7F4A_7C15)
    return mix.next() >> 11
  }
}
