internal import Cascade

extension RecallOptions {
  /// - Parameter blockLength: tokens in a block.
  func validate(blockLength: Int) throws(OptionsError) {
    try require((0...64).contains(blocks), "recall", "\(blocks)", "between 0 and 64")
    try require((0...4).contains(routed), "recallRouted", "\(routed)", "between 0 and 4")
    try require(gate >= 0 && gate.isFinite, "recallGate", "\(gate)", "a number of at least 0")
    // A choice at each block's beginning, so that what is restored there goes on as it would have.
    try require(
      every > 0 && blockLength % every == 0, "recallEvery", "\(every)",
      "a divisor of the block length, which is \(blockLength)")
  }
}
