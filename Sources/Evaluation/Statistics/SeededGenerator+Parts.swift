internal import Generation

extension SeededGenerator {
  /// A generator of its own for each seed and each list of numbers, such as a length and a repetition.
  init(seed: UInt64, for parts: Int...) {
    var mixed = SeededGenerator(seed: seed)
    for part in parts {
      // Mixed before the next is added: seed 1's second draw must not be seed 2's first.
      mixed = SeededGenerator(seed: mixed.next() &+ UInt64(bitPattern: Int64(part)))
    }
    self = mixed
  }
}
