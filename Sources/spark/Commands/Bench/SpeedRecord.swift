import Generation

/// One test's result. Where nothing else is said, figures are medians over the rounds.
struct SpeedRecord {
  var model: ModelDescription
  var options: EngineOptions
  var instructionSet: InstructionSet
  var test: SpeedPlan.Test
  var repetitions: Int
  var seconds: Spread
  /// Tokens a second.
  var rate: Spread
  /// Seconds from the prompt to its first token; for prompts.
  var firstToken: Double?
  /// What the work comes to a second: operations of a prompt, bytes that decoding reads.
  var achieved: Double?
  /// What bounds it: `read` or a kind of numbers.
  var limit: String?
  /// The machine's own, in the same unit.
  var limitRate: Double?
  /// The rounds' ratios of the two, of which each was measured in one round.
  var share: Double?
  /// Time relative to checking one token, for verification.
  var cost: Double?
  /// Joules; nil where the machine does not tell.
  var joules: Double?
  var limits: (read: Double?, peaks: [Peak: Double]) = (nil, [:])

  /// All records of an engine.
  static func all(of result: SpeedBench.Result) -> [SpeedRecord] {
    let records = result.tests.map { SpeedRecord(result, $0.test, $0.samples) }
    return records.map { record in
      var record = record
      if case .verify = record.test.work {
        let one = records.first {
          guard case .verify(rows: 1, _) = $0.test.work else { return false }
          return $0.test.depth == record.test.depth && $0.test.threads == record.test.threads
        }
        record.cost = one.map { record.seconds.median / $0.seconds.median }
      }
      return record
    }
  }

  private init(
    _ result: SpeedBench.Result, _ test: SpeedPlan.Test, _ samples: SpeedBench.Samples
  ) {
    let setup = result.setup
    model = setup.model
    options = setup.options
    instructionSet = result.instructionSet
    self.test = test
    repetitions = samples.seconds.count
    seconds = Spread(samples.seconds)
    let tokens = Double(test.tokens)
    rate = Spread(samples.seconds.map { tokens / $0 })
    firstToken = samples.firstToken.isEmpty ? nil : Spread(samples.firstToken).median
    joules = samples.joules.count < repetitions ? nil : Spread(samples.joules).median

    let rounds = result.limits[test.threads] ?? []
    if !rounds.isEmpty {
      limits.read = Spread(rounds.map(\.read)).median
      for peak in rounds[0].peaks.keys {
        limits.peaks[peak] = Spread(rounds.map { $0.peaks[peak]! }).median
      }
    }
    let amount: Double
    let ceilings: [Double]
    switch test.work {
    case .prefill(let count):
      amount = setup.demand.operations(
        prefilling: count, behind: test.depth, visible: setup.visible)
      // What prompts are multiplied as: on a matrix unit bf16, whatever weights are kept as.
      let kinds: [Peak] =
        result.instructionSet == .amx && !options.isExact
        ? [.bf16] : setup.demand.isQuantized ? [.int8] : [.bf16, .f32]
      let kind = kinds.filter { limits.peaks[$0] != nil }.max {
        limits.peaks[$0]! < limits.peaks[$1]!
      }
      limit = kind?.rawValue
      ceilings = kind.map { kind in rounds.map { $0.peaks[kind]! } } ?? []
    case .decode(let count):
      amount = setup.demand.bytes(
        decoding: count, behind: test.depth, visible: setup.visible,
        type: setup.options.keyValueType)
      limit = rounds.isEmpty ? nil : "read"
      ceilings = rounds.map(\.read)
    case .verify: return
    }
    achieved = Spread(samples.seconds.map { amount / $0 }).median
    guard !ceilings.isEmpty else { return }
    limitRate = Spread(ceilings).median
    share = Spread(zip(samples.seconds, ceilings).map { amount / $0 / $1 }).median
  }

  /// The same as plain values. Rates of memory are in 10⁹ bytes, of products in 10⁹ operations a second.
  var flat: FlatRecord {
    let isPrefill = test.name == "prefill"
    return FlatRecord(fields: [
      ("model", .text(model.path)),
      ("name", .text(model.name)),
      ("type", .text(model.types.first?.name ?? "")),
      ("file_bytes", .integer(model.fileBytes)),
      ("parameters", .integer(model.parameterCount)),
      ("isa", .text(instructionSet.rawValue)),
      ("threads", .integer(test.threads)),
      ("window", .text(options.window.defaultValueDescription)),
      ("kv_type", .text(options.keyValueType.rawValue)),
      ("prefill_chunk", .integer(options.prefillChunk)),
      ("test", .text(test.name)),
      ("tokens", .integer(test.rows)),
      ("depth", .integer(test.depth)),
      ("repetitions", .integer(repetitions)),
      ("tokens_per_second", .number(rate.median)),
      ("lower_quartile", .number(rate.lowerQuartile)),
      ("upper_quartile", .number(rate.upperQuartile)),
      ("minimum", .number(rate.minimum)),
      ("maximum", .number(rate.maximum)),
      ("seconds", .number(seconds.median / Double(test.passes))),
      ("first_token_seconds", .init(firstToken)),
      ("gflops", .init(isPrefill ? achieved.map { $0 / 1e9 } : nil)),
      ("gigabytes_per_second", .init(isPrefill ? nil : achieved.map { $0 / 1e9 })),
      ("limit", limit.map { .text($0) } ?? .unknown),
      ("share_of_limit", .init(share)),
      ("relative_cost", .init(cost)),
      ("joules", .init(joules)),
      ("tokens_per_joule", .init(joules.flatMap { $0 > 0 ? Double(test.tokens) / $0 : nil })),
      ("read_gigabytes_per_second", .init(limits.read.map { $0 / 1e9 })),
      ("int8_gops", .init(limits.peaks[.int8].map { $0 / 1e9 })),
      ("bf16_gflops", .init(limits.peaks[.bf16].map { $0 / 1e9 })),
      ("f32_gflops", .init(limits.peaks[.f32].map { $0 / 1e9 })),
    ])
  }
}

extension SpeedPlan.Test {
  var name: String {
    switch work {
    case .prefill: "prefill"
    case .decode: "decode"
    case .verify: "verify"
    }
  }

  /// Tokens of a prompt, of a reply, or of a pass that checks them.
  var rows: Int { work.length }

  /// Passes of one measurement that are told as one.
  var passes: Int {
    if case .verify(_, let passes) = work { passes } else { 1 }
  }

  /// Tokens of one measurement.
  var tokens: Int { rows * passes }
}
