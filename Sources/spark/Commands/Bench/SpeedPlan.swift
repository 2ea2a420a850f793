import Generation

/// What a speed bench measures.
struct SpeedPlan {
  /// One figure: a work behind a text, on some threads.
  struct Test: Hashable {
    var work: TimedWork
    var depth: Int
    var threads: Int
  }

  var prompts: [Int]
  var replies: [Int]
  var depths: [Int]
  /// Nil: as many as the engine has.
  var threads: [Int]?
  /// Whether checking 1 to 16 tokens in one pass is measured.
  var hasVerification: Bool

  /// Rows of the passes that check drafts.
  private static let rows = 1...16
  /// Passes of each measurement, so that it is not over before it has begun.
  private static let passes = 4

  private var works: [TimedWork] {
    var works = prompts.filter { $0 > 0 }.map { TimedWork.prefill(tokens: $0) }
    works += replies.filter { $0 > 0 }.map { .decode(tokens: $0) }
    if hasVerification { works += Self.rows.map { .verify(rows: $0, passes: Self.passes) } }
    return works
  }

  /// - Parameter most: threads of the engine.
  func tests(threads most: Int) -> [Test] {
    (threads ?? [most]).flatMap { threads in
      depths.flatMap { depth in
        works.map { Test(work: $0, depth: depth, threads: threads) }
      }
    }
  }

  /// Tokens that the longest test stands in.
  var context: Int { (depths.max() ?? 0) + (works.map(\.length).max() ?? 0) }

  var isEmpty: Bool { works.isEmpty || depths.isEmpty }
}

/// One engine of a bench, not loaded yet.
struct SpeedSetup {
  var model: ModelDescription
  var demand: ModelDemand
  var options: EngineOptions
  /// Bytes of memory that it will come to hold, about.
  var byteCount: Int

  init(path: String, options: EngineOptions, plan: SpeedPlan) throws {
    let file = try GGUFFile(path: path)
    model = try ModelDescription(file: file)
    demand = try ModelDemand(file: file)
    var options = options
    if options.window == .full {
      let block = options.blockLength
      let needed = (plan.context + block - 1) / max(1, block) * block
      let limit = options.contextLength ?? model.contextLength
      guard plan.context <= limit else {
        throw InputError(
          "\(path): the longest test needs a context of \(plan.context) tokens and there are \(limit); ask for less with -p, -n "
            + "and -d, or let its middle go with --window.")
      }
      options.contextLength = options.contextLength ?? min(needed, model.contextLength)
      // The texts that tests stand behind stay.
      options.maxSequences = Set(plan.depths).count
    }
    self.options = options
    byteCount =
      demand.weightBytes * 5 / 4
      + model.keyValueBytesPerToken * options.maxSequences * (options.contextLength ?? plan.context)
  }

  /// The most tokens that attention sees.
  var visible: Int {
    switch options.window {
    case .full: .max
    case .sliding(let tokens): tokens + options.sinks
    }
  }
}
