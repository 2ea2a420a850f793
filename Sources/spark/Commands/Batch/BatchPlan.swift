import Generation

/// What holds for all prompts of a batch.
struct BatchPlan: Sendable {
  /// What each prompt changes as it likes.
  var options: GenerationOptions
  /// What seeds are made from.
  var seed: UInt64
  var isChat: Bool
  var system: String?
  /// Text before each prompt.
  var prefix: String
  var template: ChatTemplate?
  /// Replies in progress at most.
  var parallel: Int
  /// How often what may pass is tried again.
  var retries: Int
  var isInOrder: Bool
  /// Whether a line that is no job ends the batch.
  var isStrict: Bool
  /// Whether what several prompts begin with is read once.
  var sharesBeginnings: Bool
  /// Tokens.
  var blockLength: Int

  /// What the model reads for a job.
  func prompt(for job: BatchJob) -> Prompt {
    let system = job.system ?? system
    let instructions = system.map { [ChatMessage.system($0)] } ?? []
    switch job.content {
    case .messages(let messages):
      return .chat(messages[0].role == .system ? messages : instructions + messages)
    case .prompt(let text):
      guard isChat || system != nil else { return .text(prefix + text) }
      return .chat(instructions + [.user(prefix + text)])
    }
  }

  /// How a job is answered.
  func options(for job: BatchJob, line: Int) -> GenerationOptions {
    var options = job.options(over: options)
    options.seed = job.seed ?? BatchSeed.seed(base: seed, line: line)
    return options
  }

  /// How a beginning is read that several prompts have in common: nothing is said, and what was read stays.
  func optionsForReading(_ job: BatchJob) -> GenerationOptions {
    var memory = options.memory
    memory.session = nil
    if let namespace = job.namespace { memory.namespace = namespace }
    return GenerationOptions(
      maxTokens: 0, memory: memory, priority: job.priority ?? options.priority)
  }

  /// All that a text depends on beside its line, the same in every process.
  func settings(engine: EngineOptions, model: String, template: String?) -> String {
    var options = options
    // A dictionary has no order of its own.
    let bias = options.sampling.logitBias.sorted { $0.key < $1.key }
    options.sampling.logitBias = [:]
    return """
      spark batch 1
      model \(model)
      template \(template ?? "none"), chat \(isChat), system \(system.debugDescription)
      prefix \(prefix.debugDescription)
      seed \(seed)
      most \(options.maxTokens.debugDescription), stop \(options.stopStrings), \
      ignores ends \(options.ignoresEndTokens), \
      stops on \(options.qualityStop.map(\.rawValue).sorted())
      sampling \(options.sampling), bias \(bias.map { "\($0.key): \($0.value)" })
      beams \(options.beams.debugDescription), early exit \(engine.earlyExit.debugDescription)
      memory \(options.memory.scope) of \(options.memory.namespace.debugDescription)
      context \(engine.contextLength.debugDescription), window \(engine.window), sinks \(engine.sinks), \
      block \(engine.blockLength), \(engine.keyValueType), exact \(engine.isExact)
      recall \(engine.recall)
      """
  }
}
