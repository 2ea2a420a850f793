import ArgumentParser
import Evaluation
import Generation

/// Runs questions and tells what came out, also when it is interrupted.
struct AnswerEvaluation: Sendable {
  var name: String
  /// The head of the table's first column.
  var rows: String
  var arms: [Arm]
  var output: EvaluationOutputFlags

  /// - Parameters:
  ///   - total: how many trials there are.
  ///   - work: makes trials and gives each to its argument.
  func run(
    model: String, total: Int, _ work: ((Trial) throws -> Void) async throws -> Void
  ) async throws {
    var report = AnswerReport(arms: arms.map(\.name))
    var progress = ProgressBar(total: total, quiet: output.quiet)
    var isInterrupted = false
    let standard = Output.standard
    var count = 0
    if output.json {
      try standard.writeJSONLine(
        RunRecord(evaluation: name, model: model, seed: output.seed, arms: arms.map(ArmRecord.init))
      )
    }
    do {
      try await work { trial in
        report.add(trial)
        count += 1
        if output.json { try standard.writeJSONLine(trial) }
        progress.advance("\(trial.arm) \(trial.bucket)")
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    progress.clear()
    if output.json {
      for record in report.records { try standard.writeJSONLine(record) }
    } else {
      try standard.write(report.markdown(rows: rows))
    }
    if !output.quiet {
      Output.error.tell(
        "spark: \(count) of \(total) trials in \(progress.seconds.inTenths) s, "
          + "\((Double(count) / max(1e-9, progress.seconds)).inTenths) a second; seed \(output.seed)"
          + "\(isInterrupted ? "; interrupted" : "")\n")
    }
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }
}

/// What a run was, as its first JSON line.
struct RunRecord: Encodable {
  var event = "run"
  var evaluation: String
  var model: String
  var seed: UInt64
  var arms: [ArmRecord]
}

struct ArmRecord: Encodable {
  var name: String
  var view: String
  /// Nil for full attention.
  var window: Int?
  var sinks: Int
  var recallBlocks: Int
  var recallEvery: Int
  var scorer: String
  var placement: String
  var scope: String

  init(_ arm: Arm) {
    name = arm.name
    view = arm.view.rawValue
    if case .sliding(let tokens) = arm.engine.window { window = tokens }
    sinks = arm.engine.sinks
    recallBlocks = arm.engine.recall.blocks
    recallEvery = arm.engine.recall.every
    scorer = arm.engine.recall.scorer.rawValue
    placement = arm.engine.recall.placement.rawValue
    scope = arm.memory.scope.rawValue
  }
}
