import Evaluation
import Generation

/// `spark eval recall --cross-session`: told in one session, asked in another.
struct CrossSessionEvaluation: Sendable {
  var path: String
  var arms: ArmFlags
  var output: EvaluationOutputFlags
  var template: ChatTemplate?
  /// Whether concepts are measured, too.
  var concepts = false

  /// - Throws: after the result is told, if the stranger's replies differ from those without memory.
  func run(_ questions: [Question], store: String) async throws {
    var engine = ArmKind.cascade.arm(base: arms.engine, window: arms.window).engine
    engine.store = store
    let places = concepts ? CrossSessionRun.Place.allCases : CrossSessionRun.Place.plain
    // A store that was used before must not answer for this run.
    let label = "\(UInt64.random(in: .min ... .max))"
    let run = CrossSessionRun(
      questions: questions, places: places, path: path, engine: engine, template: template,
      run: label)
    var check = IsolationCheck()
    let evaluation = AnswerEvaluation(
      name: "recall across sessions", rows: "distance",
      arms: places.map { Arm(name: $0.rawValue, engine: engine, memory: MemoryOptions()) },
      output: output)
    try await evaluation.run(model: path, total: questions.count * places.count) { onTrial in
      try await run.run { trial in
        check.add(trial)
        try onTrial(trial)
      }
    }
    output.remark(
      "\(check.compared) of the stranger's replies compared with those without memory, "
        + "\(check.leaks.count) differ")
    if let leak = check.leaks.first {
      throw InputError(
        "\(check.leaks.count) replies in a namespace without memory differ from those of a model "
          + "without memory, the first to \(leak); memory leaks between namespaces.")
    }
  }
}
