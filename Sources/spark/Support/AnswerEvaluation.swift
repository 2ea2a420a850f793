import ArgumentParser
import Evaluation
import Generation

/// Runs questions and tells what came out, also when it is interrupted.
struct AnswerEvaluation: Sendable {
  var name: String
  /// The head of the table's first column, and the chart's abscissa.
  var rows: String
  var arms: [Arm]
  var output: EvaluationOutputFlags

  /// Asks `questions` in all arms.
  func run(
    _ questions: [Question], on shelf: EngineShelf, template: ChatTemplate? = nil
  ) async throws {
    let run = AnswerRun(
      questions: questions, arms: arms, seed: output.seed, template: template)
    try await self.run(model: shelf.path, total: questions.count * arms.count) {
      try await run.run(on: shelf, onTrial: $0)
    }
  }

  /// - Parameters:
  ///   - total: how many trials there are.
  ///   - work: makes trials and gives each to its argument.
  func run(
    model: String, total: Int, _ work: ((Trial) throws -> Void) async throws -> Void
  ) async throws {
    var report = AnswerReport(arms: arms.map(\.name))
    let progress = ProgressBar(total: total, isQuiet: output.quiet)
    let began = ContinuousClock.now
    let standard = Output.standard
    var (count, isInterrupted) = (0, false)
    if output.json {
      try standard.writeJSONLine(
        RunRecord(evaluation: name, model: model, seed: output.seed, arms: arms))
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
    let seconds = (ContinuousClock.now - began).seconds
    if output.json {
      for record in report.records { try standard.writeJSONLine(record) }
    } else {
      try standard.write(report.markdown(rows: rows))
    }
    if let svg = output.svg {
      let picture = report.svg(title: name, xTitle: "\(rows), tokens", arms: arms)
      try await OutputFile.write(svg) { try $0.write(picture) }
    }
    output.remark(
      "\(count) of \(total) trials in \(seconds.inTenths) s, "
        + "\((Double(count) / max(1e-9, seconds)).inTenths) a second; seed \(output.seed)"
        + "\(isInterrupted ? "; interrupted" : "")")
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }
}

extension EvaluationOutputFlags {
  /// Tells something beside the result.
  func remark(_ remark: String) {
    if !quiet { Output.error.tell("spark: \(remark)\n") }
  }
}

/// What a run was, as its first JSON line.
struct RunRecord: Encodable {
  var event = "run"
  var evaluation: String
  var model: String
  var seed: UInt64
  var arms: [ArmRecord]

  init(evaluation: String, model: String, seed: UInt64, arms: [Arm]) {
    self.evaluation = evaluation
    self.model = model
    self.seed = seed
    self.arms = arms.map(ArmRecord.init)
  }
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
