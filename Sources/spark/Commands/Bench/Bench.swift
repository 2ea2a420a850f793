import ArgumentParser
import Generation

/// `spark bench`: how fast models read and write on this machine, and how near that is to what it can do.
struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure prefill and decode speed beside the machine's limits.",
    discussion: """
      Prefill reads -p tokens behind a text of -d tokens, decode writes -n tokens one by one there. Every value of \
      a list is measured, each -r times, in turns, after a round that is not counted; the figures are medians and \
      quartiles. Beside them stands what the same number of threads can do at most: read memory, and multiply.
      With --repeat, one request is measured when it is made for the first time, with its prompt restored, \
      and told again. With --parallel, whole replies are measured instead, tokens read and written counted together.
      """)

  @Argument(
    help: ArgumentHelp("GGUF files. (default: the model that ships with Spark)", valueName: "model")
  )
  var models: [String] = []

  @Option(
    name: [.customShort("m"), .customLong("model")],
    help: ArgumentHelp(
      "The same, may repeat; left aside where files are named as arguments.", valueName: "file"))
  var namedModels: [String] = []

  @Option(
    name: [.customShort("p"), .long],
    help: ArgumentHelp("Tokens to prefill; 0 leaves prefill out.", valueName: "n,n,..."))
  var promptTokens = NumberList([512])

  @Option(
    name: [.customShort("n"), .long],
    help: ArgumentHelp("Tokens to decode; 0 leaves decode out.", valueName: "n,n,..."))
  var decodeTokens = NumberList([128])

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Tokens that are in the cache before.", valueName: "n,n,..."))
  var depth = NumberList([0])

  @Option(name: .shortAndLong, help: "Times each is measured.")
  var repetitions = 5

  @Flag(help: "Also check 1 to 16 tokens in one pass: what drafts cost.")
  var verifyCurve = false

  @Flag(inversion: .prefixedNo, help: "Measure what the machine can do, too.")
  var limits = true

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "How results are written: md, json (one array), jsonl (one object a line) or csv.",
      valueName: "format"))
  var format: RecordFormat?

  @Flag(help: "The same as --format jsonl.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Instead read and answer this many prompts at once, each of -p and -n tokens.",
      discussion: "Each number is measured beside the same prompts one after another, in turns.",
      valueName: "n,n,..."))
  var parallel: NumberList?

  @Option(
    help: ArgumentHelp(
      "Instead keep --streams readers busy for this long, with mixed lengths, readers that leave, and urgent questions.",
      valueName: "time"))
  var load: DurationArgument?

  @Option(help: "Readers at once under --load.")
  var streams = 64

  @Flag(help: "Instead measure what it saves to ask the same again.")
  var `repeat` = false

  @OptionGroup(title: "Engine") var engine: BenchFlags

  func validate() throws {
    try require(repetitions > 0, "--repetitions must be at least 1.")
    for (flag, list) in [
      ("--prompt-tokens", promptTokens), ("--decode-tokens", decodeTokens), ("--depth", depth),
    ] {
      try require(
        list.values.allSatisfy { $0 <= 1 << 24 }, "\(flag) must be between 0 and \(1 << 24).")
    }
    try require((1...1024).contains(streams), "--streams must be between 1 and 1024.")
    try require(!json || format == nil || format == .jsonl, "--json is --format jsonl; take one.")
    let special = [
      ("--parallel", parallel != nil), ("--load", load != nil), ("--repeat", `repeat`),
    ].filter(\.1).map(\.0)
    try require(
      special.count < 2, "--parallel, --load and --repeat are tests of their own; take one.")
    guard let test = special.first else {
      return try require(!plan.isEmpty, "there is nothing to measure: give -p or -n.")
    }
    try require(
      promptTokens.values.count == 1 && decodeTokens.values.count == 1
        && engine.options.count == 1 && (engine.threads?.values.count ?? 1) == 1,
      "\(test) takes one value of each option, not a list.")
    try require(
      depth.values == [0] && !verifyCurve, "\(test) begins with an empty cache; leave --depth out.")
    try require(format != .csv, "\(test) has no columns; write it as md, json or jsonl.")
    try require(
      load != nil || (promptTokens.values[0] > 0 && decodeTokens.values[0] > 0),
      "\(test) needs prompts and replies of at least one token.")
    try require(
      load.map { $0.duration > .zero } ?? true, "--load must be at least one second.")
    try require(
      parallel?.values.allSatisfy { (1...1024).contains($0) } ?? true,
      "--parallel takes numbers between 1 and 1024.")
  }

  private var plan: SpeedPlan {
    SpeedPlan(
      prompts: promptTokens.values, replies: decodeTokens.values, depths: depth.values,
      threads: engine.threads?.values, hasVerification: verifyCurve)
  }

  func run() async throws {
    var writer = RecordWriter(json ? .jsonl : format ?? .md)
    let named = models.isEmpty ? namedModels : models
    let paths = try named.isEmpty ? [EmbeddedModel.path()] : named
    if parallel == nil, load == nil, !`repeat` {
      try await measureSpeed(of: paths, &writer)
    }
    for path in paths {
      if let parallel { try await measure(parallel.values, path, &writer) }
      if let load { try await measure(load.duration, path, &writer) }
      if `repeat` { try await measureRepeats(path, &writer) }
    }
    try writer.finish()
  }

  private func measureSpeed(of paths: [String], _ writer: inout RecordWriter) async throws {
    let plan = plan
    let setups = try paths.flatMap { path in
      try engine.options.map { try SpeedSetup(path: path, options: $0, plan: plan) }
    }
    let bench = SpeedBench(plan: plan, repetitions: repetitions, measuresLimits: limits)
    try await bench.run(setups) { results in
      let records = results.flatMap(SpeedRecord.all)
      try writer.write(records.map(\.flat), told: SpeedTables(records: records).text)
    }
  }

  /// Many readers for a while.
  private func measure(
    _ duration: Duration, _ path: String, _ writer: inout RecordWriter
  ) async throws {
    var options = engine.options[0]
    options.maxSequences = streams
    let bench = LoadBench(
      engine: try Engine(path: path, options: options), streams: streams, duration: duration,
      seed: 1)
    let isQuiet = writer.format != .md
    let report = try await bench.run { report in
      guard !isQuiet else { return }
      Output.error.tell(
        "\(report.replies) replies, \(report.tokens) tokens, "
          + "\(report.resident.last! >> 20) MiB in memory\n")
    }
    let record = LoadRecord(model: path, streams: streams, seconds: duration.seconds, report)
    try writer.write(record, told: record.lines)
  }

  /// The first round is not counted.
  private func measureRepeats(_ path: String, _ writer: inout RecordWriter) async throws {
    let bench = RepeatBench(
      engine: try Engine(path: path, options: engine.options[0]),
      promptTokens: promptTokens.values[0], decodeTokens: decodeTokens.values[0])
    var rounds: [RepeatBench.Round] = []
    for round in 0...repetitions { rounds.append(try await bench.run(round)) }
    let record = RepeatRecord(model: path, bench, Array(rounds.dropFirst()))
    try writer.write(record, told: record.line)
  }

  /// Replies at once beside the same replies one after another, both in each round.
  private func measure(
    _ widths: [Int], _ path: String, _ writer: inout RecordWriter
  ) async throws {
    var options = engine.options[0]
    options.maxSequences = widths.max() ?? 1
    let bench = ParallelBench(
      engine: try Engine(path: path, options: options), promptTokens: promptTokens.values[0],
      decodeTokens: decodeTokens.values[0])
    _ = try await bench.run(streams: 1)
    for width in widths {
      let record = try await bench.measure(width, of: path, repetitions: repetitions)
      try writer.write(record, told: record.line)
    }
  }
}
