/// Where the time of all passes so far has gone.
public struct RunProfile: Sendable {
  /// One module in one phase.
  public struct Module: Sendable {
    public var module: ProfileModule
    /// Times that it was begun.
    public var calls: Int
    public var time: Duration
    /// Bytes of weights, keys and values that it had to read or write.
    public var bytes: Int
    /// Multiplications and additions of matrix products.
    public var operations: Int
    /// Whether they are of bytes rather than of floats; nil where there are none.
    public var isOfIntegers: Bool?

    /// Per second; nil where there is nothing to tell.
    public var bytesPerSecond: Double? { rate(bytes) }
    public var operationsPerSecond: Double? { rate(operations) }

    private func rate(_ count: Int) -> Double? {
      count > 0 && time > .zero ? Double(count) / (time / .seconds(1)) : nil
    }

    public init(
      module: ProfileModule, calls: Int, time: Duration, bytes: Int, operations: Int,
      isOfIntegers: Bool? = nil
    ) {
      self.module = module
      self.calls = calls
      self.time = time
      self.bytes = bytes
      self.operations = operations
      self.isOfIntegers = isOfIntegers
    }
  }

  /// All passes of one kind.
  public struct Phase: Sendable {
    public var phase: ProfilePhase
    public var passes: Int
    /// Tokens of prompts.
    public var rowsRead: Int
    /// Tokens that were generated, or guessed.
    public var rowsDecoded: Int
    /// From each pass's beginning to its end, together.
    public var time: Duration
    /// One for each module, in their order.
    public var modules: [Module]

    public init(
      phase: ProfilePhase, passes: Int, rowsRead: Int, rowsDecoded: Int, time: Duration,
      modules: [Module]
    ) {
      self.phase = phase
      self.passes = passes
      self.rowsRead = rowsRead
      self.rowsDecoded = rowsDecoded
      self.time = time
      self.modules = modules
    }

    public subscript(module: ProfileModule) -> Module { modules[module.rawValue] }

    /// What part of the passes' time is a module's, 0...1.
    public func share(of module: Module) -> Double {
      time > .zero ? module.time / time : 0
    }

    /// All modules together.
    public var whole: (bytes: Int, operations: Int) {
      modules.reduce((0, 0)) { ($0.0 + $1.bytes, $0.1 + $1.operations) }
    }
  }

  /// Those that there were.
  public var phases: [Phase]
  /// From the first pass's beginning to the last one's end, what was waited for in between counted.
  public var elapsed: Duration

  public init(phases: [Phase], elapsed: Duration) {
    self.phases = phases
    self.elapsed = elapsed
  }

  public subscript(phase: ProfilePhase) -> Phase? { phases.first { $0.phase == phase } }
}
