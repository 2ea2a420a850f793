internal import CKernels

/// The kinds of numbers whose products a processor's peak is measured with.
package enum Peak: String, Sendable, CaseIterable {
  /// Bytes, summed as 32-bit integers: what quantized weights are multiplied with.
  case int8
  /// 16-bit brain floats, summed as 32-bit floats.
  case bf16
  /// 32-bit floats.
  case f32

  fileprivate var kernel: spark_peak {
    switch self {
    case .int8: SPARK_PEAK_BYTES
    case .bf16: SPARK_PEAK_BFLOATS
    case .f32: SPARK_PEAK_FLOATS
    }
  }
}

/// Measures what this machine can do at most: memory read in a straight line, as STREAM does
/// (McCalpin 1995), and products whose operands stay in the nearest cache.
///
/// Not thread-safe: one task at a time uses it. A passing neighbour only ever makes a machine slower, so each
/// figure is the best of a few passes.
@safe
package final class MachineLimits {
  /// Bytes read in a pass.
  package let byteCount: Int
  /// The peaks that the instruction set has units for.
  package let peaks: [Peak]

  private static let passes = 3
  /// Times that a product is repeated before its result is stored.
  private static let times = 32
  /// What a pass of products takes, about.
  private static let passDuration = Duration.milliseconds(8)

  private let compute: Compute
  private let memory: Arena
  private let operands: Arena
  private var limits = spark_limits()
  private let clock = ContinuousClock()
  /// What reading has come to, so that nobody can leave it out.
  private var folded: UInt64 = 0
  /// Stored results of a pass on each thread, once it is known how long one takes.
  private var blocksPerThread: [Peak: Int] = [:]

  /// - Parameter byteCount: bytes to read in a pass; more than the caches hold.
  package init(
    threads: Int, instructionSet: InstructionSet, byteCount: Int
  ) throws(ModelError) {
    compute = try Compute(threads: threads, instructionSet: instructionSet)
    let known = unsafe spark_limits_for(instructionSet.kernels, &limits)
    precondition(known, "an instruction set that computes has limits")
    self.byteCount = max(1, byteCount >> 20) << 20
    memory = try Arena(byteCount: self.byteCount, isHot: true)
    // Pages that nobody has written to are all the same one.
    unsafe memory.base.initializeMemory(as: UInt8.self, repeating: 1, count: self.byteCount)
    operands = try Arena(byteCount: 2 * Self.operandByteCount)
    // Small numbers as bytes and as floats, none so small that a unit would slow down.
    unsafe operands.base.initializeMemory(
      as: UInt8.self, repeating: 0x3c, count: 2 * Self.operandByteCount)
    peaks = Peak.allCases.filter { [limits] peak in
      switch peak {
      case .int8: unsafe limits.multiply.0 != nil
      case .bf16: unsafe limits.multiply.1 != nil
      case .f32: unsafe limits.multiply.2 != nil
      }
    }
  }

  private static let operandByteCount = Int(SPARK_PEAK_SIDE) * Int(SPARK_PEAK_WORDS) * 4

  /// Bytes a second that `threads` threads read together.
  package func readRate(threads: Int) -> Double {
    compute.use(threads: threads)
    return best(of: Double(byteCount)) {
      unsafe folded ^= spark_read_memory(compute.pool, &limits, memory.base, byteCount)
    }
  }

  /// Operations a second of `threads` threads together, a multiplication and an addition being two.
  package func productRate(_ peak: Peak, threads: Int) -> Double {
    precondition(peaks.contains(peak), "no unit for \(peak.rawValue)")
    compute.use(threads: threads)
    let side = Int(SPARK_PEAK_SIDE)
    let depth = Int(SPARK_PEAK_WORDS) * (peak == .int8 ? 4 : peak == .bf16 ? 2 : 1)
    let each = Double(2 * side * side * depth * Self.times)
    if blocksPerThread[peak] == nil {
      _ = time(peak, blocks: threads)
      let one = time(peak, blocks: 4 * threads) / 4
      blocksPerThread[peak] = max(1, min(1 << 16, Int(Self.passDuration / one)))
    }
    let blocks = blocksPerThread[peak]! * threads
    return best(of: each * Double(blocks)) { _ = time(peak, blocks: blocks) }
  }

  private func time(_ peak: Peak, blocks: Int) -> Duration {
    clock.measure {
      unsafe spark_repeat_product(
        compute.pool, &limits, peak.kernel, operands.base, operands.base + Self.operandByteCount,
        blocks, Self.times)
    }
  }

  /// `amount` a second in the fastest of the passes.
  private func best(of amount: Double, _ pass: () -> Void) -> Double {
    (0..<Self.passes).map { _ in amount / (clock.measure(pass) / .seconds(1)) }.max()!
  }
}
