import Generation
import Synchronization
import Testing

/// Whole replies, batches, handles, and what an engine says of itself.
@Suite struct RequestTests {
  private static func request(
    _ index: Int, tokens: Int = 24, prompt: String? = nil
  ) -> GenerationRequest {
    GenerationRequest(
      .text(prompt ?? ["Once upon a time", "The sun", "Tom had", "A cat"][index % 4]),
      options: GenerationOptions(
        maxTokens: tokens, ignoresEndTokens: true, seed: UInt64(index),
        memory: MemoryOptions(scope: .none)))
  }

  @Test("a whole reply is what its stream says, and a batch is its replies in order")
  func batch() async throws {
    let engine = try EmbeddedModel.engine()
    var alone: [String] = []
    for index in 0..<9 {
      let request = Self.request(index)
      let reply = try await engine.generate(request.prompt, options: request.options)
      #expect(try await WholeReply(engine.stream(request)).text == reply.text)
      alone.append(reply.text)
    }
    let told = Mutex<Set<Int>>([])
    let results = await engine.generateBatch((0..<9).map { Self.request($0) }) { index, _ in
      told.withLock { _ = $0.insert(index) }
    }
    #expect(try results.map { try $0.get().text } == alone)
    #expect(told.withLock { $0 } == Set(0..<9))
  }

  @Test("a request of a batch that fails does not stop the others")
  func partlyFailing() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 64))
    let long = String(repeating: "red ball ", count: 200)
    let results = await engine.generateBatch([
      Self.request(0), Self.request(1, prompt: long), Self.request(2),
    ])
    #expect(try results[0].get().tokens.count == 24)
    #expect(throws: EngineError.self) { try results[1].get() }
    #expect(try results[2].get().tokens.count == 24)
  }

  @Test("two tasks that read one stream share its events, and both come to the end")
  func twoReaders() async throws {
    let engine = try EmbeddedModel.engine()
    let stream = try engine.stream(Self.request(0))
    let counts = try await withThrowingTaskGroup(of: (tokens: Int, summaries: Int).self) { group in
      for _ in 0..<3 {
        group.addTask {
          var (tokens, summaries) = (0, 0)
          for try await event in stream {
            if case .token = event { tokens += 1 } else { summaries += 1 }
          }
          return (tokens, summaries)
        }
      }
      return try await group.reduce(into: (tokens: 0, summaries: 0)) {
        $0 = ($0.tokens + $1.tokens, $0.summaries + $1.summaries)
      }
    }
    #expect(counts.tokens == 24 && counts.summaries == 1)
  }

  @Test("a stream whose reply cannot begin says why, and is over then")
  func overAfterFailure() async throws {
    let engine = try EmbeddedModel.engine()
    let stream = try engine.stream(.tokens([-1]), options: GenerationOptions(maxTokens: 4))
    let iterator = stream.makeAsyncIterator()
    await #expect(throws: EngineError.self) {
      var reader = iterator
      _ = try await reader.next()
    }
    var rest = iterator
    #expect(try await rest.next() == nil)
    let other = try await engine.generate(.text("A"), options: GenerationOptions(maxTokens: 4))
    #expect(other.tokens.count == 4)
  }

  @Test("a batch that is larger than the queue asks for no more than may wait")
  func batchBeyondQueue() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(maxSequences: 1, queueLimit: 3))
    let requests = (0..<9).map { Self.request($0, tokens: 4) }
    for result in await engine.generateBatch(requests) {
      #expect(try result.get().tokens.count == 4)
    }
    var ended = 0
    for try await (_, event) in try engine.stream(requests) {
      if case .finished = event { ended += 1 }
    }
    #expect(ended == 9)
  }

  @Test("who breaks off a merged stream may read on, and a cancelled reader ends its replies")
  func brokenOff() async throws {
    let engine = try EmbeddedModel.engine()
    let stream = try engine.stream((0..<3).map { Self.request($0, tokens: 6) })
    var events = 0
    for try await _ in stream {
      events += 1
      break
    }
    for try await _ in stream { events += 1 }
    #expect(events == 3 * 7)

    let endless = try engine.stream((0..<3).map { Self.request($0, tokens: -1) })
    let reader = Task {
      var count = 0
      for try await _ in endless { count += 1 }
      return count
    }
    try await Task.sleep(for: .milliseconds(50))
    reader.cancel()
    _ = try await reader.value
    var isFree = false
    for _ in 0..<400 where !isFree {
      isFree = await engine.unload()
      if !isFree { try await Task.sleep(for: .milliseconds(5)) }
    }
    #expect(isFree)
  }

  @Test("with a draft model a memory budget holds, and early exits are counted")
  func budgetWithDraft() async throws {
    var options = EngineOptions(memoryBytes: 300 << 20)
    options.draftModel = EmbeddedModel.path
    options.earlyExit = 0.9
    let use = await (try EmbeddedModel.engine(options)).measureMemory()
    #expect(use.most <= 300 << 20)
    options.earlyExit = nil
    let without = await (try EmbeddedModel.engine(options)).measureMemory()
    #expect(without.workspace < use.workspace)
  }

  @Test("the events of several replies come as they are made, and each reply is whole")
  func mergedStream() async throws {
    let engine = try EmbeddedModel.engine()
    let requests = (0..<5).map { Self.request($0, tokens: 10 + $0) }
    var texts = [String](repeating: "", count: 5)
    var ended: [Int] = []
    for try await (index, event) in try engine.stream(requests) {
      switch event {
      case .token(let token): texts[index] += token.text
      case .finished: ended.append(index)
      }
    }
    #expect(Set(ended) == Set(0..<5))
    for (index, request) in requests.enumerated() {
      #expect(try await WholeReply(engine.stream(request)).text == texts[index])
    }
  }

  @Test("a reader that leaves several replies ends them all")
  func leavingMerged() async throws {
    let engine = try EmbeddedModel.engine()
    do {
      var seen = 0
      for try await _ in try engine.stream((0..<4).map { Self.request($0, tokens: 900) }) {
        seen += 1
        if seen == 9 { break }
      }
    }
    var isFree = false
    for _ in 0..<400 where !isFree {
      isFree = await engine.unload()
      if !isFree { try await Task.sleep(for: .milliseconds(5)) }
    }
    #expect(isFree)
  }

  @Test("a handle tells where its reply stands, and gives it to everyone who waits")
  func handle() async throws {
    let engine = try EmbeddedModel.engine()
    let handle = try engine.submit(Self.request(3, tokens: 40))
    async let first = handle.result
    async let second = handle.result
    let (one, other) = (try await first, try await second)
    #expect(one.text == other.text && one.tokens.count == 40)
    #expect(handle.status == .finished(.length))
    let another = try engine.submit(Self.request(0))
    #expect(another.id != handle.id)
    _ = try await another.result
  }

  @Test("a handle cancels its reply within a token, and can hurry it")
  func cancellation() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(maxSequences: 1))
    let long = try engine.submit(Self.request(0, tokens: 900))
    while true {
      if case .writing(let tokens) = long.status, tokens > 3 { break }
      try await Task.sleep(for: .milliseconds(1))
    }
    let urgent = try engine.submit(Self.request(1, tokens: 20))
    await urgent.setPriority(.urgent)
    #expect(try await urgent.result.tokens.count == 20)
    if case .finished = long.status { Issue.record("the hurried reply came last") }
    long.cancel()
    let reply = try await long.result
    #expect(reply.summary.stopReason == .cancelled && reply.tokens.count < 900)
    #expect(long.status == .finished(.cancelled))
  }

  @Test("requests that come one by one begin together, and none waits longer than it must")
  func dynamicBatch() async throws {
    let engine = try EmbeddedModel.engine()
    let batch = DynamicBatch(on: engine, size: 4, wait: .seconds(60))
    // Alone, nobody else could come: it begins at once.
    let alone = try await batch.generate(Self.request(0))
    #expect(alone.tokens.count == 24)
    let texts = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for index in 0..<11 {
        group.addTask { (index, try await batch.generate(Self.request(index)).text) }
      }
      var texts = [String](repeating: "", count: 11)
      for try await (index, text) in group { texts[index] = text }
      return texts
    }
    for index in 0..<11 {
      let request = Self.request(index)
      #expect(
        try await engine.generate(request.prompt, options: request.options).text == texts[index])
    }
  }

  @Test("vectors have length 1, and texts about one thing are nearer than others")
  func embeddings() async throws {
    let engine = try EmbeddedModel.engine()
    let texts = [
      "The cat sat on the mat and the cat was happy.", "A little cat was on a mat. The cat smiled.",
      "Tom drove his big red truck to the shop.",
    ]
    for pooling in EmbeddingPooling.allCases {
      let vectors = try await engine.embeddings(of: texts, pooling: pooling)
      for vector in vectors {
        #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
      }
      let again = try await engine.embeddings(of: [texts[0]], pooling: pooling)
      #expect(again[0] == vectors[0])
    }
    let mean = try await engine.embeddings(of: texts)
    func cosine(_ a: Int, _ b: Int) -> Float {
      zip(mean[a], mean[b]).reduce(0) { $0 + $1.0 * $1.1 }
    }
    #expect(cosine(0, 1) > cosine(0, 2) && cosine(0, 1) > cosine(1, 2))
  }

  @Test("memory is told by part, and a budget holds or is refused with what it takes")
  func memory() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(memoryBytes: 400 << 20))
    try await engine.warmup()
    let use = await engine.measureMemory()
    #expect(use.weights == engine.weightBytes && use.budget == 400 << 20)
    #expect(use.most <= 400 << 20 && use.keyValues.most > 0 && use.workspace > 0)
    #expect(use.keyValues.used == 0 && use.replies.most == 0)
    let telling = try EmbeddedModel.engine(
      EngineOptions(memoryBytes: 400 << 20, memoBytes: 8 << 20), usesMemo: true)
    let told = await telling.measureMemory()
    #expect(told.replies.most == 8 << 20 && told.most <= 400 << 20)
    for (bytes, part) in [
      (4 << 20, "the weights alone"), (use.weights + (4 << 20), "give at least"),
    ] {
      do {
        _ = try EmbeddedModel.engine(EngineOptions(memoryBytes: bytes))
        Issue.record("\(bytes) bytes were enough")
      } catch let error as EngineError {
        #expect(error.code == .machine && error.message.contains(part), "\(error)")
      }
    }
  }

  @Test("a budget that holds few replies lets all be made, one after another")
  func tightBudget() async throws {
    let roomy = try EmbeddedModel.engine()
    let use = await roomy.measureMemory()
    let workspace = use.weights + use.workspace
    let engine = try EmbeddedModel.engine(EngineOptions(memoryBytes: workspace * 2))
    let results = await engine.generateBatch((0..<16).map { Self.request($0) })
    for (index, result) in results.enumerated() {
      let request = Self.request(index)
      #expect(
        try await roomy.generate(request.prompt, options: request.options).text
          == result.get().text)
    }
    let after = await engine.measureMemory()
    #expect(after.keyValues.most <= engine.weightBytes * 2 + use.workspace)
  }
}
