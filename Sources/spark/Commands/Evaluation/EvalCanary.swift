import ArgumentParser
import Evaluation
import Generation

/// `spark eval canary`: whether one namespace ever sees another's memory.
struct EvalCanary: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "canary", abstract: "Look for leaks of memory between namespaces.",
    discussion: """
      Several namespaces of one engine are told secrets. Neighbours, who were told others, and \
      strangers, who were told nothing, ask for them in the same words, and so do their owners. Every \
      request is also made in a world of its own: an engine that only ever was told what this namespace \
      was; strangers' in one without memory. A leak is a reply whose tokens or account of memory differ \
      from those there, or that tells a secret to somebody else than its owner. Ends with status 1 if \
      there is one.
      """)

  @Option(help: "Requests of neighbours and strangers.")
  var requests = 1000

  @Option(help: "Namespaces that are told secrets.")
  var namespaces = 4

  @Option(help: "Secrets that each is told before all are forgotten and drawn anew.")
  var secrets = 4

  @Option(help: "Tokens of the sliding window.")
  var window = 256

  @Option(name: [.customShort("n"), .long], help: "The most tokens of a reply.")
  var maxTokens = 24

  @Option(help: ArgumentHelp("The chat's format, where the model names none.", valueName: "name"))
  var template: TemplateArgument?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var shared: SharedEngineFlags
  @OptionGroup(title: "Output") var output: EvaluationOutputFlags

  func validate() throws {
    try require(requests > 0, "--requests must be at least 1.")
    try require((2...64).contains(namespaces), "--namespaces must be between 2 and 64.")
    try require((1...8).contains(secrets), "--secrets must be between 1 and 8.")
    try require(window > 0, "--window must be at least 1.")
    try require(maxTokens > 0, "--max-tokens must be at least 1.")
    try require(output.svg == nil, "--svg has nothing to draw here.")
  }

  func run() async throws {
    var engine = shared.options
    engine.window = .sliding(tokens: window)
    let run = CanaryRun(
      requests: requests, namespaces: namespaces, secrets: secrets, path: try model.path(),
      engine: engine, template: template?.template, maxTokens: maxTokens, seed: output.seed)
    let output = output
    try await Interruption.cancels { try await Self.tell(run, output) }
  }

  private static func tell(_ run: CanaryRun, _ output: EvaluationOutputFlags) async throws {
    var report = CanaryReport()
    // Owners ask as well, half as many times.
    let progress = ProgressBar(total: run.requests + run.requests / 2, isQuiet: output.quiet)
    let standard = Output.standard
    let began = ContinuousClock.now
    var isInterrupted = false
    do {
      try await run.run { outcome in
        report.add(outcome)
        if output.json { try standard.writeJSONLine(outcome) }
        progress.advance("\(report.leaks) leaks")
      }
    } catch is CancellationError {
      isInterrupted = true
    }
    progress.clear()
    if output.json {
      for asker in CanaryRun.Asker.allCases { try standard.writeJSONLine(report.row(asker)) }
      try standard.writeJSONLine(report.summary)
    } else {
      try standard.write(report.markdown)
    }
    output.remark(
      "\((ContinuousClock.now - began).seconds.inTenths) s; seed \(output.seed)"
        + "\(isInterrupted ? "; interrupted" : "")")
    if let leak = report.examples.first {
      throw InputError(
        "\(report.leaks) replies leak between namespaces; the first, asked by \(leak.asker) for the "
          + "\(leak.key): \"\(leak.reply)\" instead of \"\(leak.expected)\".")
    }
    if isInterrupted { throw ExitCode(Interruption.exitCode) }
  }
}
