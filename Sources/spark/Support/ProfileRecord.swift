import Generation

/// A profile as a JSON line: what ``ProfileReport`` tells people.
struct ProfileRecord: Encodable {
  struct Limits: Encodable {
    var readBytesPerSecond: Double
    var integerOperationsPerSecond: Double
    var floatOperationsPerSecond: Double
  }

  struct Phase: Encodable {
    var phase: String
    var passes: Int
    var readTokens: Int
    var generatedTokens: Int
    var seconds: Double
    var bottleneck: String?
    var bound: String?
    var bandwidthBoundShare: Double
    var computeBoundShare: Double
    var modules: [Module]
  }

  struct Module: Encodable {
    var module: String
    var calls: Int
    var seconds: Double
    var share: Double
    var bytes: Int
    var operations: Int
    var bytesPerSecond: Double?
    var operationsPerSecond: Double?
    var bound: String
    /// What it has of that limit, 0...1.
    var reached: Double
  }

  var event = "profile"
  var model: String
  var threads: Int
  var isa: String
  var limits: Limits
  var elapsedSeconds: Double
  var phases: [Phase]

  init(_ report: ProfileReport) {
    let limits = report.limits
    model = report.model
    threads = report.threads
    isa = report.isa
    self.limits = Limits(
      readBytesPerSecond: limits.readBandwidth, integerOperationsPerSecond: limits.integerPeak,
      floatOperationsPerSecond: limits.floatPeak)
    elapsedSeconds = report.profile.elapsed.seconds
    phases = report.profile.phases.map { phase in
      Phase(
        phase: "\(phase.phase)", passes: phase.passes, readTokens: phase.rowsRead,
        generatedTokens: phase.rowsDecoded, seconds: phase.time.seconds,
        bottleneck: phase.bottleneck?.module.identifier,
        bound: phase.bottleneck?.bound(by: limits).bound.rawValue,
        bandwidthBoundShare: phase.share(boundBy: .bandwidth, of: limits),
        computeBoundShare: phase.share(boundBy: .compute, of: limits),
        modules: phase.modules.map { module in
          let (bound, reached) = module.bound(by: limits)
          return Module(
            module: module.module.identifier, calls: module.calls, seconds: module.time.seconds,
            share: phase.share(of: module), bytes: module.bytes, operations: module.operations,
            bytesPerSecond: module.bytesPerSecond, operationsPerSecond: module.operationsPerSecond,
            bound: bound.rawValue, reached: reached)
        })
    }
  }
}
