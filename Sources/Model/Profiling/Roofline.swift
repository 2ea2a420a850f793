/// What a machine can do at most with so many threads: what modules are held against.
public struct Roofline: Sendable, Equatable {
  /// Bytes read from memory per second.
  public var readBandwidth: Double
  /// Operations of products of bytes per second, a multiplication and an addition being two.
  public var integerPeak: Double
  /// The same for products of floats, of the kind that the processor is fastest with.
  public var floatPeak: Double

  public init(readBandwidth: Double, integerPeak: Double, floatPeak: Double) {
    self.readBandwidth = readBandwidth
    self.integerPeak = integerPeak
    self.floatPeak = floatPeak
  }

  /// More than caches hold.
  private static let bytesRead = 256 << 20

  /// Measures it, which takes some tenths of a second.
  ///
  /// - Throws: where there is no room for as much memory as no cache holds.
  package init(threads: Int, instructionSet: InstructionSet) throws(ModelError) {
    let limits = try MachineLimits(
      threads: threads, instructionSet: instructionSet, byteCount: Self.bytesRead)
    readBandwidth = limits.readRate(threads: threads)
    floatPeak = limits.peaks.filter { $0 != .int8 }
      .map { limits.productRate($0, threads: threads) }.max()!
    integerPeak =
      limits.peaks.contains(.int8) ? limits.productRate(.int8, threads: threads) : floatPeak
  }
}
