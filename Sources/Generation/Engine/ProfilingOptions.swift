/// What an engine notes of where its time goes.
public struct ProfilingOptions: Sendable, Equatable {
  /// Slices of time that a trace keeps, the latest; 0: there is no trace. A slice takes 32 bytes, and a layer makes
  /// nine a pass or more.
  public var traceSlices: Int

  /// Some thousand passes of a small model.
  public static let usualSlices = 1 << 19
  static let mostSlices = 1 << 26

  public init(traceSlices: Int = 0) { self.traceSlices = traceSlices }
}
