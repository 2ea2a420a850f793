import Generation
import Synchronization
import TestSupport
import Testing

/// Replies of many streams at once.
@Suite struct BatchingTests {
  private static let prompts = [
    "Once upon a time", "The weather today is", "Tom had a red ball. He", "A", "One day, a cat",
    "Mia and her dad went to the park. They saw a big dog and", "The sun was hot. Ben was",
  ]

  private static func options(_ index: Int, tokens: Int = 40) -> GenerationOptions {
    var options = GenerationOptions(
      maxTokens: tokens, ignoresEndTokens: true, seed: UInt64(index))
    // Greedy ones beside drawn ones.
    if index % 3 == 0 { options.sampling.temperature = 0 }
    return options
  }

  private static func prompt(_ index: Int) -> Prompt {
    .text(prompts[index % prompts.count] + String(repeating: " and then", count: index % 5))
  }

  private static func all(
    _ count: Int, on engine: Engine, tokens: Int = 40, memory: MemoryOptions = MemoryOptions()
  ) async throws -> [WholeReply] {
    try await withThrowingTaskGroup(of: (Int, WholeReply).self) { group in
      for index in 0..<count {
        var options = options(index, tokens: tokens)
        options.memory = memory
        let stream = try engine.stream(prompt(index), options: options)
        group.addTask { (index, try await WholeReply(stream)) }
      }
      var replies = [WholeReply](repeating: WholeReply(), count: count)
      for try await (index, reply) in group { replies[index] = reply }
      return replies
    }
  }

  private static func isFree(_ engine: Engine) async throws -> Bool {
    for _ in 0..<400 {
      if await engine.unload() { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return false
  }

  @Test(
    "many streams read at once say what each says alone, whatever the room and the window",
    arguments: [
      EngineOptions(), EngineOptions(maxSequences: 3), EngineOptions(prefillChunk: 5),
      EngineOptions(window: .sliding(tokens: 32), blockLength: 16, maxSequences: 5),
      EngineOptions(keyValueType: .f32, maxSequences: 1),
    ])
  func together(_ options: EngineOptions) async throws {
    let memory = MemoryOptions(scope: .none)
    let engine = try EmbeddedModel.engine(options)
    var alone: [[TokenID]] = []
    for index in 0..<12 {
      var options = Self.options(index)
      options.memory = memory
      let reply = try await WholeReply(engine.stream(Self.prompt(index), options: options))
      alone.append(reply.tokens.map(\.id))
    }
    let replies = try await Self.all(12, on: engine, memory: memory)
    for (reply, expected) in zip(replies, alone) {
      #expect(reply.tokens.map(\.id) == expected)
      #expect(reply.summary?.stopReason == .length)
    }
    #expect(try await Self.isFree(engine))
  }

  /// Reads one token of each stream in turns, so that each has to make room for the next.
  @Test(
    "replies that take turns in a cache for one of them go on with the same bits",
    arguments: [
      EngineOptions(contextLength: 256, maxSequences: 1),
      EngineOptions(window: .sliding(tokens: 64), blockLength: 16, maxSequences: 1),
    ], [DraftOptions.Mode.off, .always])
  func parked(_ options: EngineOptions, _ drafts: DraftOptions.Mode) async throws {
    let engine = try EmbeddedModel.engine(options)
    func reply(_ index: Int) throws -> TokenStream {
      var own = Self.options(index, tokens: 150)
      own.maxTokens = nil
      own.memory = MemoryOptions(scope: .session)
      own.drafts.mode = drafts
      return try engine.stream(Self.prompt(index), options: own)
    }
    var alone: [[TokenID]] = []
    for index in 0..<3 {
      alone.append(try await WholeReply(reply(index), limit: 120).tokens.map(\.id))
    }
    var iterators = try (0..<3).map { try reply($0).makeAsyncIterator() }
    var said = [[TokenID]](repeating: [], count: 3)
    for _ in 0..<120 {
      for index in 0..<3 {
        guard case .token(let token) = try await iterators[index].next() else { continue }
        said[index].append(token.id)
      }
    }
    #expect(said == alone)
    iterators.removeAll()
    #expect(try await Self.isFree(engine))
  }

  @Test("what prompts have in common is read once, and changes nothing")
  func sharedPrefix() async throws {
    let engine = try EmbeddedModel.engine()
    let story = "Tom and Mia went to the park with a red ball. "
    let common = String(repeating: story, count: 20)
    func reply(_ index: Int) throws -> TokenStream {
      var options = Self.options(index)
      options.memory = MemoryOptions(scope: .none)
      return try engine.stream(.text(common + Self.prompts[index]), options: options)
    }
    var alone: [[TokenID]] = []
    for index in 0..<6 { alone.append(try await WholeReply(reply(index)).tokens.map(\.id)) }
    let streams = try (0..<6).map(reply)
    let replies = try await withThrowingTaskGroup(of: (Int, WholeReply).self) { group in
      for (index, stream) in streams.enumerated() {
        group.addTask { (index, try await WholeReply(stream)) }
      }
      var replies = [WholeReply](repeating: WholeReply(), count: 6)
      for try await (index, reply) in group { replies[index] = reply }
      return replies
    }
    #expect(replies.map { $0.tokens.map(\.id) } == alone)
    let summaries = replies.compactMap(\.summary)
    let (read, all) = summaries.reduce((0, 0)) {
      ($0.0 + $1.promptTokens - $1.memory.cached, $0.1 + $1.promptTokens)
    }
    // One reads it whole; the next one may have begun beside it.
    #expect(read < all / 2, "\(read) of \(all) tokens were read")
    #expect(try await Self.isFree(engine))
  }

  @Test("limits that stand for none are taken as such")
  func noLimits() async throws {
    let engine = try EmbeddedModel.engine()
    var options = Self.options(1)
    (options.maxTokens, options.deadline) = (.max, .seconds(Int64.max))
    let streams = try (0..<3).map { try engine.stream(Self.prompt($0), options: options) }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for stream in streams {
        group.addTask { try await WholeReply(stream, limit: 30).tokens.count }
      }
      for try await count in group { #expect(count == 30) }
    }
  }

  @Test("an urgent reply is made before those that came first, and they go on afterwards")
  func urgent() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(maxSequences: 1))
    let log = Log()
    @Sendable func read(_ name: String, _ options: GenerationOptions) async throws {
      for try await event in try engine.stream(.text("Once upon a time"), options: options) {
        if case .token = event { log.begun.withLock { $0 += 1 } }
        if case .finished = event { log.ended.withLock { $0.append(name) } }
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      var options = Self.options(0, tokens: 300)
      options.priority = .background
      group.addTask { [options] in try await read("first", options) }
      while log.begun.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(2)) }
      group.addTask { [options] in try await read("second", options) }
      options.priority = .urgent
      options.maxTokens = 20
      group.addTask { [options] in try await read("urgent", options) }
      try await group.waitForAll()
    }
    #expect(log.ended.withLock { $0.first } == "urgent")
    #expect(log.ended.withLock { $0.count } == 3)
  }

  @Test("more replies than may wait are refused as busy")
  func busy() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(maxSequences: 1, queueLimit: 0))
    do {
      _ = try await WholeReply(engine.stream(.text("One")))
      Issue.record("a reply was taken in")
    } catch let error as EngineError {
      #expect(error.code == .busy)
      #expect(error.message.contains("queueLimit"))
    }
    #expect(try await Self.isFree(engine))
  }

  @Test("a reply ends at its deadline with what it has, also while it waits or nobody looks")
  func deadline() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 512, maxSequences: 1))
    var options = Self.options(0)
    options.maxTokens = nil
    options.deadline = .milliseconds(150)
    var iterator = try engine.stream(.text("Once"), options: options).makeAsyncIterator()
    var texts = 0
    var summary: GenerationSummary?
    while let event = try await iterator.next() {
      if case .token = event { texts += 1 }
      if case .finished(let end) = event { summary = end }
      // Slower than the deadline.
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(summary?.stopReason == .deadline)
    #expect(texts > 0 && summary?.generatedTokens == texts)

    // One that never gets its turn: the other one is urgent and takes the whole cache.
    var urgent = Self.options(1)
    urgent.priority = .urgent
    urgent.maxTokens = nil
    let long = try engine.stream(.text("Once"), options: urgent)
    async let first = WholeReply(long)
    try await Task.sleep(for: .milliseconds(20))
    options.deadline = .milliseconds(40)
    let late = try await WholeReply(engine.stream(.text("Once"), options: options))
    #expect(late.summary?.stopReason == .deadline)
    #expect(late.tokens.isEmpty)
    #expect(try await first.summary?.stopReason == .contextFull)
    #expect(try await Self.isFree(engine))
  }

  @Test("a reply that is cancelled while it waits for its turn ends at once")
  func cancelledWaiting() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 512, maxSequences: 1))
    var options = Self.options(0)
    options.maxTokens = nil
    options.priority = .urgent
    let long = try engine.stream(.text("Once"), options: options)
    async let first = WholeReply(long)
    try await Task.sleep(for: .milliseconds(20))
    options.priority = .background
    let waiting = try engine.stream(.text("Once"), options: options)
    let task = Task { try await WholeReply(waiting) }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    let reply = try await task.value
    #expect(reply.summary?.stopReason == .cancelled)
    #expect(reply.tokens.isEmpty)
    #expect(try await first.summary?.stopReason == .contextFull)
  }

  @Test("streams that are read and left at random leave nothing behind")
  func abandoned() async throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = TestSupport.SeededGenerator(seed: seed)
    let engine = try EmbeddedModel.engine(
      EngineOptions(window: .sliding(tokens: 64), blockLength: 16, maxSequences: 4))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<60 {
        var options = Self.options(index, tokens: Int.random(in: 1...60, using: &random))
        options.priority = Priority.allCases.randomElement(using: &random)!
        options.memory = MemoryOptions(scope: .none)
        let limit = Bool.random(using: &random) ? Int.max : Int.random(in: 0...30, using: &random)
        let delay = Int.random(in: 0...40, using: &random)
        let isCancelled = Int.random(in: 0..<4, using: &random) == 0
        let stream = try engine.stream(Self.prompt(index), options: options)
        group.addTask {
          let task = Task { try await WholeReply(stream, limit: limit) }
          try await Task.sleep(for: .milliseconds(delay))
          if isCancelled { task.cancel() }
          let reply = try await task.value
          if limit == .max, !isCancelled {
            #expect(reply.summary?.stopReason == .length, "seed \(seed)")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await Self.isFree(engine), "seed \(seed)")
  }
}

/// What several readers have seen.
private final class Log: Sendable {
  let begun = Mutex(0)
  let ended = Mutex<[String]>([])
}
