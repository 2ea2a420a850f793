import ArgumentParser
import Generation

/// `spark bench`: how fast models read and write on this machine.
struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure prefill and decode speed.",
    discussion: """
      Prefill reads -p tokens in an empty context, decode writes -n tokens one by one. Each is \
      measured -r times after a run that is not counted; the figures are the median and the extremes. \
      With --repeat, one request is measured when it is made for the first time, with its prompt restored, \
      and told again. With --parallel, whole replies are measured instead, tokens read and written counted together.
      """)

  @Argument(
    help: ArgumentHelp("GGUF files. (default: the model that ships with Spark)", valueName: "model")
  )
  var models: [String] = []

  @Option(
    name: [.customShort("p"), .long],
    help: "Tokens to prefill; 0 leaves prefill out.")
  var promptTokens = 512

  @Option(
    name: [.customShort("n"), .long],
    help: "Tokens to decode; 0 leaves decode out.")
  var decodeTokens = 128

  @Option(name: .shortAndLong, help: "Times each is measured.")
  var repetitions = 3

  @Option(
    help: ArgumentHelp(
      "Also read and answer this many prompts at once, each of -p and -n tokens.",
      discussion: "Each number is measured beside the same prompts one after another, in turns.",
      valueName: "n,n,..."))
  var parallel: NumberList?

  @Option(
    help: ArgumentHelp(
      "Also keep --streams readers busy for this long, with mixed lengths, readers that leave, and urgent questions.",
      valueName: "time"))
  var load: DurationArgument?

  @Option(help: "Readers at once under --load.")
  var streams = 64

  @Flag(help: "Measure what it saves to ask the same again.")
  var `repeat` = false

  @Flag(help: "Write one JSON object a line for each test.")
  var json = false

  @OptionGroup(title: "Engine") var engine: EngineFlags

  func validate() throws {
    try require(promptTokens >= 0, "--prompt-tokens must not be negative.")
    try require(decodeTokens >= 0, "--decode-tokens must not be negative.")
    try require(repetitions > 0, "--repetitions must be at least 1.")
    try require((1...1024).contains(streams), "--streams must be between 1 and 1024.")
    try require(
      [parallel != nil, load != nil, `repeat`].count { $0 } < 2,
      "--parallel, --load and --repeat are tests of their own; take one.")
    try require(
      !`repeat` || (promptTokens > 0 && decodeTokens > 0),
      "--repeat needs a prompt and a reply of at least one token.")
    if let parallel {
      try require(
        parallel.values.allSatisfy { (1...1024).contains($0) },
        "--parallel takes numbers between 1 and 1024.")
      try require(
        promptTokens > 0 && decodeTokens > 0,
        "--parallel needs prompts and replies of at least one token.")
    }
  }

  func run() async throws {
    for path in try models.isEmpty ? [EmbeddedModel.path()] : models {
      if let parallel {
        try await measure(parallel.values, path)
        continue
      }
      if let load {
        try await measure(load.duration, path)
        continue
      }
      let engine = try Engine(path: path, options: engine.options)
      if `repeat` {
        try await measureRepeats(path, engine)
        continue
      }
      try await measure("prefill", promptTokens, path, engine) {
        try await engine.measurePrefill(tokens: $0)
      }
      try await measure("decode", decodeTokens, path, engine) {
        try await engine.measureDecode(tokens: $0)
      }
    }
  }

  /// Many readers for a while.
  private func measure(_ duration: Duration, _ path: String) async throws {
    var options = engine.options
    options.maxSequences = streams
    let bench = LoadBench(
      engine: try Engine(path: path, options: options), streams: streams, duration: duration,
      seed: 1)
    let isQuiet = json
    let report = try await bench.run { report in
      guard !isQuiet else { return }
      try? Output.error.write(
        "\(report.replies) replies, \(report.tokens) tokens, "
          + "\(report.resident.last! >> 20) MiB in memory\n")
    }
    let record = LoadRecord(model: path, streams: streams, seconds: duration.seconds, report)
    try json ? Output.standard.writeJSONLine(record) : Output.standard.write(record.lines)
  }

  /// The first round is not counted.
  private func measureRepeats(_ path: String, _ engine: Engine) async throws {
    let bench = RepeatBench(
      engine: engine, promptTokens: promptTokens, decodeTokens: decodeTokens)
    var rounds: [RepeatBench.Round] = []
    for round in 0...repetitions { rounds.append(try await bench.run(round)) }
    let record = RepeatRecord(model: path, bench, Array(rounds.dropFirst()))
    try json
      ? Output.standard.writeJSONLine(record) : Output.standard.write(record.line)
  }

  /// Replies at once beside the same replies one after another, both in each round.
  private func measure(_ widths: [Int], _ path: String) async throws {
    var options = engine.options
    options.maxSequences = widths.max() ?? 1
    let engine = try Engine(path: path, options: options)
    let bench = ParallelBench(
      engine: engine, promptTokens: promptTokens, decodeTokens: decodeTokens)
    _ = try await bench.run(streams: 1)
    for width in widths {
      var (together, inTurns, isSame): ([Double], [Double], Bool) = ([], [], true)
      for _ in 0..<repetitions {
        let turns = try await bench.runInTurns(streams: width)
        let run = try await bench.run(streams: width)
        isSame = isSame && run.said == turns.said
        let tokens = Double(width * (promptTokens + decodeTokens))
        together.append(tokens / run.duration.seconds)
        inTurns.append(tokens / turns.duration.seconds)
      }
      let record = ParallelRecord(
        model: path, parallel: width, promptTokens: promptTokens, decodeTokens: decodeTokens,
        repetitions: repetitions, tokensPerSecond: together.sorted().median,
        inTurnsTokensPerSecond: inTurns.sorted().median,
        ratio: zip(together, inTurns).map { $0 / $1 }.sorted().median, isSame: isSame,
        threads: engine.threads, isa: engine.instructionSet.rawValue)
      try json
        ? Output.standard.writeJSONLine(record) : Output.standard.write(record.line)
    }
  }

  private func measure(
    _ test: String, _ tokens: Int, _ path: String, _ engine: Engine,
    _ run: (_ tokens: Int) async throws -> Duration
  ) async throws {
    guard tokens > 0 else { return }
    _ = try await run(tokens)
    var rates: [Double] = []
    for _ in 0..<repetitions { rates.append(Double(tokens) / (try await run(tokens).seconds)) }
    rates.sort()
    let record = BenchRecord(
      model: path, test: test, tokens: tokens, repetitions: repetitions,
      tokensPerSecond: rates.median, minimum: rates[0], maximum: rates[rates.count - 1],
      threads: engine.threads, isa: engine.instructionSet.rawValue)
    if json {
      try Output.standard.writeJSONLine(record)
    } else {
      try Output.standard.write(record.line)
    }
  }
}

/// One test's result; rates are tokens per second.
private struct BenchRecord: Encodable {
  var model: String
  var test: String
  var tokens: Int
  var repetitions: Int
  var tokensPerSecond: Double
  var minimum: Double
  var maximum: Double
  var threads: Int
  var isa: String

  var line: String {
    "\(model): \(test) \(tokens) tokens at \(tokensPerSecond.inTenths) tokens/s "
      + "(\(minimum.inTenths) to \(maximum.inTenths), \(repetitions) runs, \(threads) threads, \(isa))\n"
  }
}

/// What readers at once have seen; times are milliseconds.
private struct LoadRecord: Encodable {
  struct Times: Encodable {
    var p50: Double
    var p95: Double
    var p99: Double
    var most: Double

    init(_ times: TimeHistogram) {
      (p50, p95, p99) = (times.percentile(0.5), times.percentile(0.95), times.percentile(0.99))
      most = times.most
    }

    var line: String {
      "\(p50.inTenths) / \(p95.inTenths) / \(p99.inTenths) ms, at most \(most.inTenths)"
    }
  }

  var model: String
  var streams: Int
  var seconds: Double
  var replies: Int
  var cancelled: Int
  var tokensPerSecond: Double
  var firstToken: Times
  var betweenTokens: Times
  var urgentFirstToken: Times
  var unloadedFirstToken: Times
  var resident: [Int]

  init(model: String, streams: Int, seconds: Double, _ report: LoadBench.Report) {
    self.model = model
    self.streams = streams
    self.seconds = seconds
    replies = report.replies
    cancelled = report.cancelled
    tokensPerSecond = Double(report.tokens) / seconds
    firstToken = Times(report.firstToken)
    betweenTokens = Times(report.gaps)
    urgentFirstToken = Times(report.urgentFirstToken)
    unloadedFirstToken = Times(report.unloadedFirstToken)
    resident = report.resident
  }

  var lines: String {
    """
    \(model): \(streams) readers for \(seconds.inTenths) s: \(replies) replies, \(cancelled) of them left, \
    \(tokensPerSecond.inTenths) tokens/s
    p50 / p95 / p99
    first token \(firstToken.line)
    between tokens \(betweenTokens.line)
    urgent first token \(urgentFirstToken.line); with nothing else \(unloadedFirstToken.line)
    in memory, tenth by tenth: \(resident.map { "\($0 >> 20)" }.joined(separator: " ")) MiB

    """
  }
}

/// Replies at once against the same in turns; rates are tokens per second, read and written together.
private struct ParallelRecord: Encodable {
  var model: String
  var parallel: Int
  var promptTokens: Int
  var decodeTokens: Int
  var repetitions: Int
  var tokensPerSecond: Double
  var inTurnsTokensPerSecond: Double
  /// The median of the rounds' ratios.
  var ratio: Double
  /// Whether each reply was the same, token for token.
  var isSame: Bool
  var threads: Int
  var isa: String

  var line: String {
    "\(model): \(parallel) at once, \(promptTokens) + \(decodeTokens) tokens each: "
      + "\(tokensPerSecond.inTenths) tokens/s, in turns \(inTurnsTokensPerSecond.inTenths), "
      + "ratio \(ratio.inTenths), \(isSame ? "same" : "different") text "
      + "(\(repetitions) runs, \(threads) threads, \(isa))\n"
  }
}

extension [Double] {
  /// The middle of sorted values; the mean of the two middle ones where their number is even.
  var median: Double { (self[(count - 1) / 2] + self[count / 2]) / 2 }
}
