import Generation

/// A batch on its way: reads lines, has as many as may be answered side by side, and writes what they say.
///
/// One task owns it. Everything that takes time is a child of that task, and tells it what came of it.
final class BatchRun {
  /// Prompts that are looked at for equal beginnings. In order, no result waits for more than so many others.
  static let window = 256

  private enum Event: Sendable {
    /// Nil at the input's end.
    case lines([InputLine]?)
    case isRead(PromptBeginning)
    case answered(BatchPrompt, BatchAnswer)
    /// A second has passed.
    case tick
  }

  private typealias Group = ThrowingTaskGroup<Event, any Error>

  /// A prompt that waits for its turn.
  private struct Pending {
    var prompt: BatchPrompt
    var job: BatchJob
    var request: Prompt
  }

  private let plan: BatchPlan
  private let engine: Engine
  private let input: LineInput
  private let output: BatchOutput
  private let governor: GovernorLog
  private let isQuiet: Bool
  private var ledger: BatchLedger
  private let tokens = TokenCount()
  private let began = ContinuousClock.now
  private var progress: BatchProgress
  private(set) var summary: BatchSummary

  private var backlog: ArraySlice<InputLine> = []
  private var isReading = false
  private var isInputAtEnd = false
  private var isInputChecked = false
  private var lookAhead = LookAhead<Pending>(capacity: window)
  private var ordered = OrderedBuffer<BatchRecord>()
  /// Prompts that were taken on.
  private var places = 0
  private var inFlight = 0

  init(
    plan: BatchPlan, engine: Engine, input: LineInput, output: BatchOutput, settings: String,
    format: BatchFormat?, ignoresChanges: Bool, governor: GovernorLog, isQuiet: Bool
  ) throws {
    (self.plan, self.engine, self.input, self.output) = (plan, engine, input, output)
    (self.governor, self.isQuiet) = (governor, isQuiet)
    let journal = output.journal ?? BatchJournal()
    ledger = BatchLedger(
      journal, settings: settings, format: format, ignoresChanges: ignoresChanges)
    progress = BatchProgress(isQuiet: isQuiet)
    summary = BatchSummary(parallel: plan.parallel, leastWidth: engine.batchWidth)
    summary.failedBefore = journal.failed
    summary.doneBefore = journal.done.count - journal.failed
    try checkInput()
  }

  /// Looks at the whole input before anything is answered, where it can be read twice: what has changed is
  /// then refused at once, and it is known how much there is.
  private func checkInput() throws {
    var checked = ledger
    isInputChecked = try input.readAhead { try check(checked.standing(of: $0), $0) }
    guard isInputChecked else { return }
    try checkEnd(checked)
    summary.total = checked.prompts
  }

  /// Refuses a line that is not what it was.
  private func check(_ standing: BatchLedger.Standing, _ line: InputLine) throws {
    switch standing {
    case .changed:
      throw InputError(
        "line \(line.number) of \(input.name) is not what its result was made of, or the model or an "
          + "option has changed; give those of the first time, begin anew with --restart, or keep "
          + "all results as they are with --force.")
    case .open where plan.isInOrder && line.number < output.journal?.last ?? 0,
      .open where plan.isInOrder && output.journal?.isAscending == false:
      throw InputError(
        "the results so far are not in order; go on without --in-order, or begin anew with "
          + "--restart.")
    case .open, .done, .blank: break
    }
  }

  private func checkEnd(_ ledger: BatchLedger) throws {
    guard ledger.strangers > 0 else { return }
    throw InputError(
      "there are results of \(ledger.strangers) lines that \(input.name) does not have; give the input of "
        + "the first time, begin anew with --restart, or keep all results as they are with --force."
    )
  }

  // MARK: - The loop

  /// Answers all that is to be answered, or what can be until the task is cancelled. Afterwards ``summary``
  /// says what came of it, also when it throws.
  func run() async throws {
    defer { endSummary() }
    try output.begin()
    try await withThrowingTaskGroup(of: Event.self) { group in
      addTick(to: &group)
      while true {
        if !Task.isCancelled { try goOn(&group) }
        guard inFlight > 0 || isReading, let event = try await group.next() else { break }
        try take(event, &group)
      }
      group.cancelAll()
    }
    try output.sync()
  }

  private func addTick(to group: inout Group) {
    group.addTask {
      try? await Task.sleep(for: .seconds(1))
      return .tick
    }
  }

  /// Begins whatever can be begun.
  private func goOn(_ group: inout Group) throws {
    try takeOn()
    if backlog.isEmpty, !isReading, !isInputAtEnd, lookAhead.hasRoom {
      isReading = true
      let input = input
      group.addTask { .lines(try await input.next()) }
    }
    // The governor's width is not only how many are decoded at once, but also how much memory they take.
    while inFlight < max(1, min(plan.parallel, engine.batchWidth)), let step = lookAhead.next() {
      inFlight += 1
      switch step {
      case .read(let pending, let beginning): read(beginning, of: pending, &group)
      case .begin(let pending): begin(pending, &group)
      }
    }
  }

  private func take(_ event: Event, _ group: inout Group) throws {
    switch event {
    case .lines(let lines):
      isReading = false
      backlog = lines?[...] ?? []
      guard lines == nil, !Task.isCancelled else { return }
      isInputAtEnd = true
      summary.total = ledger.prompts
      if !isInputChecked { try checkEnd(ledger) }
    case .isRead(let beginning):
      inFlight -= 1
      lookAhead.didRead(beginning)
      summary.sharedBeginnings += 1
    case .answered(let prompt, let answer):
      inFlight -= 1
      try take(answer, of: prompt)
    case .tick:
      summary.leastWidth = min(summary.leastWidth, engine.batchWidth)
      try output.syncIfDue()
      tellGovernor()
      showProgress()
      if !Task.isCancelled { addTick(to: &group) }
    }
  }

  // MARK: - Prompts

  /// Takes lines into the window while there is room.
  private func takeOn() throws {
    while lookAhead.hasRoom, !plan.isInOrder || places < ordered.next + Self.window,
      let line = backlog.popFirst()
    {
      let standing = ledger.standing(of: line)
      try check(standing, line)
      guard case .open(let digest) = standing else { continue }
      var prompt = BatchPrompt(line: line.number, digest: digest, place: places)
      places += 1
      do throws(JobFault) {
        let job = try BatchJob(line, as: ledger.format!)
        prompt.job = job
        takeOn(prompt, job)
      } catch {
        guard !plan.isStrict else {
          throw InputError("line \(line.number) of \(input.name): \(error)")
        }
        let id = JobID(of: line, as: ledger.format!)
        try finish(BatchRecord(prompt, error, id: id), of: prompt)
      }
    }
  }

  private func takeOn(_ prompt: BatchPrompt, _ job: BatchJob) {
    var request = plan.prompt(for: job)
    var beginning = PromptBeginning(blocks: [])
    // What cannot be put into tokens is told when its turn comes.
    if let tokens = try? engine.tokens(of: request, template: plan.template) {
      if plan.sharesBeginnings {
        beginning = PromptBeginning(
          tokens, blockLength: plan.blockLength, owner: job.namespace ?? "")
      }
      if case .text = request { request = .tokens(tokens) }
    }
    lookAhead.add(
      Pending(prompt: prompt, job: job, request: request), beginning,
      priority: (job.priority ?? plan.options.priority).rawValue)
  }

  private func begin(_ pending: Pending, _ group: inout Group) {
    let (prompt, tokens) = (pending.prompt, tokens)
    let reply = BatchReply(
      engine: engine, prompt: pending.request, template: plan.template,
      options: plan.options(for: pending.job, line: prompt.line), retries: plan.retries)
    group.addTask { .answered(prompt, await reply.answer(tokens)) }
  }

  /// Reads what several prompts begin with into memory. When that fails, each reads it for itself.
  private func read(_ beginning: PromptBeginning, of pending: Pending, _ group: inout Group) {
    let (engine, template) = (engine, plan.template)
    let (request, options) = (pending.request, plan.optionsForReading(pending.job))
    let count = beginning.blocks.count * plan.blockLength
    group.addTask {
      if let tokens = try? engine.tokens(of: request, template: template) {
        let reply = BatchReply(
          engine: engine, prompt: .tokens(Array(tokens.prefix(count))), template: nil,
          options: options, retries: 0)
        _ = await reply.answer(TokenCount())
      }
      return .isRead(beginning)
    }
  }

  // MARK: - Results

  private func take(_ answer: BatchAnswer, of prompt: BatchPrompt) throws {
    switch answer {
    case .text(let text, let reply, let retries):
      summary.retries += retries
      summary.promptTokens += reply.promptTokens
      summary.cachedTokens += reply.memory.cached
      if reply.isReplayed { summary.replayed += 1 }
      if !reply.quality.findings.isEmpty { summary.faulty += 1 }
      summary.highestTemperature =
        [summary.highestTemperature, reply.conditions?.highestTemperature].compactMap(\.self).max()
      try finish(BatchRecord(prompt, text: text, reply, retries: retries), of: prompt)
    case .failed(let error, let retries):
      summary.retries += retries
      try finish(BatchRecord(prompt, error, retries: retries), of: prompt)
    case .cancelled: break
    }
  }

  private func finish(_ record: BatchRecord, of prompt: BatchPrompt) throws {
    for record in plan.isInOrder ? ordered.add(record, at: prompt.place) : [record] {
      if Output.standard.isTerminal { progress.clear() }
      try output.append(record.jsonLine())
      if let error = record.error {
        summary.failed += 1
        if !isQuiet {
          progress.clear()
          Output.error.tell("spark: line \(record.line) is not answered: \(error.message)\n")
        }
      } else {
        summary.done += 1
      }
    }
    showProgress()
  }

  // MARK: - Telling

  private func tellGovernor() {
    for change in governor.take() where !isQuiet {
      progress.clear()
      Output.error.tell("spark: governor: \(change)\n")
    }
  }

  private func showProgress() {
    let before = summary.doneBefore + summary.failedBefore
    var remarks: [String] = []
    if summary.failed > 0 { remarks.append("\(summary.failed) failed") }
    remarks.append("width \(min(plan.parallel, engine.batchWidth)) of \(plan.parallel)")
    if let celsius = engine.temperature { remarks.append("\(celsius.inTenths) °C") }
    progress.show(
      done: before + summary.done + summary.failed, of: summary.total, tokens: tokens.value, remarks
    )
  }

  private func endSummary() {
    tellGovernor()
    progress.clear()
    summary.isInterrupted = Task.isCancelled
    summary.generatedTokens = tokens.value
    summary.seconds = (ContinuousClock.now - began).seconds
    summary.tokensPerSecond =
      summary.seconds > 0 && tokens.value > 0 ? Double(tokens.value) / summary.seconds : nil
    summary.governorChanges = governor.count
  }
}
