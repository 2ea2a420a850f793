import Foundation
import Generation
import Testing

/// Replies that are told again rather than made.
@Suite struct MemoTests {
  private static let prompt = Prompt.text("Once upon a time there was a little")

  private static func options(_ maxTokens: Int = 40, seed: UInt64? = nil) -> GenerationOptions {
    GenerationOptions(
      maxTokens: maxTokens, sampling: seed == nil ? .greedy : SamplingOptions(),
      ignoresEndTokens: true, seed: seed)
  }

  private static func ask(
    _ engine: Engine, _ options: GenerationOptions, _ prompt: Prompt = prompt
  ) async throws -> (reply: WholeReply, summary: GenerationSummary) {
    let reply = try await WholeReply(engine.stream(prompt, options: options))
    return (reply, try #require(reply.summary))
  }

  private static func expectSame(_ one: WholeReply, _ other: WholeReply) {
    #expect(one.tokens.map(\.id) == other.tokens.map(\.id))
    #expect(one.tokens.map(\.text) == other.tokens.map(\.text))
    #expect(one.tokens.map(\.logprobs) == other.tokens.map(\.logprobs))
    #expect(one.summary?.trailingText == other.summary?.trailingText)
    #expect(one.summary?.stopReason == other.summary?.stopReason)
    #expect(one.summary?.promptTokens == other.summary?.promptTokens)
    #expect(one.summary?.generatedTokens == other.summary?.generatedTokens)
  }

  @Test("a repeated request is answered with the same events, and nothing is computed")
  func repeated() async throws {
    let engine = try EmbeddedModel.engine(usesMemo: true)
    for var options in [Self.options(), Self.options(seed: 7)] {
      options.logprobs = 2
      let (first, made) = try await Self.ask(engine, options)
      #expect(!made.isReplayed && made.decodeDuration > .zero)
      let (second, told) = try await Self.ask(engine, options)
      Self.expectSame(first, second)
      #expect(told.isReplayed)
      #expect(told.prefillDuration == .zero && told.decodeDuration == .zero)
      #expect(told.prefillTokensPerSecond == nil && told.decodeTokensPerSecond == nil)
      #expect(told.timeToFirstToken > .zero)
      #expect(told.keyValueBytes == 0 && told.drafts == DraftAccount() && told.conditions == nil)
      #expect(first.tokens.contains { $0.logprobs?.top.count == 2 })
    }
    let memo = engine.memoStatistics
    #expect(memo.hits == 2 && memo.misses == 2 && memo.hitRate == 0.5 && memo.replies == 2)
    #expect(memo.bytes > 80 * 16 && memo.bytes < memo.budget)
  }

  @Test("every way to end is told again: by the model, by a stop string, by the context")
  func endings() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(contextLength: 300), usesMemo: true)
    var ended = Self.options(400)
    ended.ignoresEndTokens = false
    var stopped = Self.options(100)
    let whole = try await Self.ask(engine, stopped).reply.text
    stopped.stopStrings = [String(whole.dropFirst(60).prefix(9))]
    let hello = Prompt.chat([.user("Hello!")])
    for (options, prompt, reason) in [
      (ended, hello, StopReason.endOfText), (stopped, Self.prompt, .stopString),
      (Self.options(1000), Self.prompt, .contextFull),
    ] {
      let (first, made) = try await Self.ask(engine, options, prompt)
      #expect(made.stopReason == reason && !made.isReplayed)
      let (second, told) = try await Self.ask(engine, options, prompt)
      #expect(told.isReplayed)
      Self.expectSame(first, second)
    }
  }

  @Test("a search is told again with all that it found")
  func beams() async throws {
    let engine = try EmbeddedModel.engine(usesMemo: true)
    let options = GenerationOptions(maxTokens: 12, beams: BeamOptions(width: 4, best: 3))
    let (first, made) = try await Self.ask(engine, options)
    let (second, told) = try await Self.ask(engine, options)
    #expect(told.isReplayed && made.beams?.hypotheses.count == 3)
    #expect(told.beams == made.beams)
    Self.expectSame(first, second)
  }

  @Test("with another seed, without a seed, or without the memo a reply is made")
  func made() async throws {
    let engine = try EmbeddedModel.engine(usesMemo: true)
    var options = Self.options(seed: 7)
    #expect(try await !Self.ask(engine, options).summary.isReplayed)
    options.seed = 8
    #expect(try await !Self.ask(engine, options).summary.isReplayed)
    options.usesMemo = false
    #expect(try await !Self.ask(engine, options).summary.isReplayed)
    (options.usesMemo, options.seed) = (true, nil)
    for _ in 0..<2 { #expect(try await !Self.ask(engine, options).summary.isReplayed) }
    #expect(engine.memoStatistics.misses == 2 && engine.memoStatistics.hits == 0)
    engine.clearMemo()
    options.seed = 8
    #expect(try await !Self.ask(engine, options).summary.isReplayed)
    let off = try EmbeddedModel.engine(EngineOptions(memoBytes: 0), usesMemo: true)
    for _ in 0..<2 { #expect(try await !Self.ask(off, Self.options()).summary.isReplayed) }
    let memo = off.memoStatistics
    #expect(memo.hits == 0 && memo.misses == 0 && memo.replies == 0 && memo.hitRate == nil)
  }

  @Test("guesses that a seed draws the same from do not tell requests apart")
  func drafts() async throws {
    let engine = try EmbeddedModel.engine(usesMemo: true)
    var options = Self.options(60)
    options.drafts.mode = .always
    let first = try await Self.ask(engine, options).reply
    options.drafts.mode = .off
    options.usesMemo = false
    let made = try await Self.ask(engine, options).reply
    options.usesMemo = true
    let (told, summary) = try await Self.ask(engine, options)
    #expect(summary.isReplayed)
    Self.expectSame(first, told)
    Self.expectSame(first, made)
  }

  // MARK: - What is not kept

  /// Reads `count` tokens, cancels its task, and reads to the end.
  private static func cancelled(
    _ stream: TokenStream, after count: Int
  ) async throws -> WholeReply {
    try await Task {
      var reply = WholeReply()
      for try await event in stream {
        switch event {
        case .token(let token): reply.tokens.append(token)
        case .finished(let summary): reply.summary = summary
        }
        if reply.tokens.count == count { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return reply
    }.value
  }

  @Test("what was cancelled, was late, or was left is made anew")
  func broken() async throws {
    let engine = try EmbeddedModel.engine(usesMemo: true)
    let options = Self.options(200)
    let cancelled = try await Self.cancelled(
      engine.stream(Self.prompt, options: options), after: 5)
    #expect(cancelled.summary?.stopReason == .cancelled)
    var late = options
    late.deadline = .milliseconds(1)
    #expect(try await Self.ask(engine, late).summary.stopReason == .deadline)
    _ = try await WholeReply(engine.stream(Self.prompt, options: options), limit: 3)
    #expect(engine.memoStatistics.replies == 0)
    let (reply, summary) = try await Self.ask(engine, options)
    #expect(!summary.isReplayed && reply.tokens.count == 200)
    #expect(engine.memoStatistics.replies == 1)
  }

  @Test("a reply that is told again can be cancelled, and be late, like one that is made")
  func brokenOff() async throws {
    let engine = try EmbeddedModel.engine(usesMemo: true)
    var options = Self.options(60)
    let whole = try await Self.ask(engine, options).reply.text
    // It begins as the reply goes on, so that some of it is held back for a while.
    options.stopStrings = [String(whole.dropFirst(4).prefix(60)) + "never"]
    let made = try await Self.cancelled(engine.stream(Self.prompt, options: options), after: 8)
    _ = try await Self.ask(engine, options)
    let told = try await Self.cancelled(engine.stream(Self.prompt, options: options), after: 8)
    #expect(told.summary?.isReplayed == true && made.summary?.isReplayed == false)
    #expect(told.summary?.stopReason == .cancelled)
    #expect(made.summary?.trailingText.isEmpty == false)
    Self.expectSame(made, told)
    // A slow reader's time is up in the middle.
    options.deadline = .seconds(1)
    var iterator = try engine.stream(Self.prompt, options: options).makeAsyncIterator()
    for _ in 0..<3 { _ = try await iterator.next() }
    try await Task.sleep(for: .milliseconds(1100))
    guard case .finished(let summary) = try await iterator.next() else {
      Issue.record("it went on")
      return
    }
    #expect(summary.stopReason == .deadline && summary.generatedTokens == 3)
    #expect(try await iterator.next() == nil)
  }

  @Test("the replies of a conversation are made, whatever was asked before")
  func conversations() async throws {
    try await Self.withFolder { folder in
      let engine = try EmbeddedModel.engine(EngineOptions(store: folder), usesMemo: true)
      let options = Self.options(20)
      _ = try await Self.ask(engine, options, .chat([.user("Hello!")]))
      for name in ["one", "two"] {
        let chat = try await engine.conversation(named: name)
        for _ in 0..<2 {
          let reply = try await WholeReply(chat.reply(to: "Hello!", options: options))
          #expect(reply.summary?.isReplayed == false)
        }
        #expect(try chat.messages().count == 4)
      }
      #expect(engine.memoStatistics.hits == 0)
    }
  }

  @Test("replies that may recall what others said are made: there may be more of it now")
  func namespaces() async throws {
    let engine = try EmbeddedModel.engine(
      EngineOptions(window: .sliding(tokens: 128)), usesMemo: true)
    var options = Self.options(20)
    options.memory.scope = .namespace
    for _ in 0..<2 { #expect(try await !Self.ask(engine, options).summary.isReplayed) }
  }

  // MARK: - Memory

  private static func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spark-memo-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  /// What there is to recall of a reply.
  private static func passages(_ engine: Engine) async throws -> Set<String> {
    Set(await engine.memory.search(longText, in: "default", limit: 100).map(\.passage.id))
  }

  private static let longText =
    "The keeper of the lighthouse had a grey cat that slept beside the lamp. Every morning the cat "
    + "walked to the harbour and waited for the fishermen, who gave it a herring for good luck. "

  @Test("memory is as if the reply had been made twice")
  func trace() async throws {
    let options = Self.options(80)
    var found: [Set<String>] = []
    for usesMemo in [true, false] {
      let engine = try EmbeddedModel.engine(EngineOptions(blockLength: 16), usesMemo: usesMemo)
      for round in 0..<2 {
        let summary = try await Self.ask(engine, options, .text(Self.longText)).summary
        #expect(summary.isReplayed == (usesMemo && round == 1))
        found.append(try await Self.passages(engine))
      }
    }
    #expect(found[0].count > 4)
    #expect(found.allSatisfy { $0 == found[0] })
  }

  @Test("what is forgotten is not told again")
  func forgetting() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(blockLength: 16), usesMemo: true)
    let options = Self.options(80)
    _ = try await Self.ask(engine, options, .text(Self.longText))
    var apart = options
    apart.memory.scope = .none
    _ = try await Self.ask(engine, apart, .text(Self.longText))
    #expect(engine.memoStatistics.replies == 2)
    _ = try await engine.memory.forget(.everything, in: "default")
    #expect(engine.memoStatistics.replies == 0 && engine.memoStatistics.bytes == 0)
    #expect(try await !Self.ask(engine, options, .text(Self.longText)).summary.isReplayed)
  }

  @Test("a reply whose blocks another process has forgotten is made anew, and they are there again")
  func goneTrace() async throws {
    try await Self.withFolder { folder in
      let engine = try EmbeddedModel.engine(
        EngineOptions(blockLength: 16, store: folder), usesMemo: true)
      let options = Self.options(60)
      _ = try await Self.ask(engine, options, .text(Self.longText))
      let before = try await Self.passages(engine)
      #expect(before.count > 4)
      let other = try EmbeddedModel.engine(EngineOptions(blockLength: 16, store: folder))
      _ = try await other.memory.forget(.everything, in: "default")
      // Looks at what others have done to the files.
      _ = try await engine.memory.holdings()
      #expect(try await !Self.ask(engine, options, .text(Self.longText)).summary.isReplayed)
      #expect(try await Self.passages(engine) == before)
      #expect(try await Self.ask(engine, options, .text(Self.longText)).summary.isReplayed)
    }
  }

  @Test("the memo keeps within its bytes, and lets go")
  func budget() async throws {
    let engine = try EmbeddedModel.engine(EngineOptions(memoBytes: 8192), usesMemo: true)
    for seed in 0..<20 as Range<UInt64> {
      _ = try await Self.ask(engine, Self.options(30, seed: seed))
      #expect(engine.memoStatistics.bytes <= 8192)
    }
    let memo = engine.memoStatistics
    #expect(memo.evictions > 0 && memo.replies > 0 && memo.replies + memo.evictions == 20)
  }

  @Test("replies with a window of their own past are told again, with what left it counted")
  func slidingWindow() async throws {
    let engine = try EmbeddedModel.engine(
      EngineOptions(
        window: .sliding(tokens: 64), recall: RecallOptions(blocks: 2), blockLength: 16),
      usesMemo: true)
    let (first, made) = try await Self.ask(engine, Self.options(300))
    let (second, told) = try await Self.ask(engine, Self.options(300))
    try #require(made.memory.misses == 0)
    #expect(told.isReplayed && told.evictedTokens == made.evictedTokens && made.evictedTokens > 0)
    #expect(told.memory.recalled == made.memory.recalled && told.memory.cached == 0)
    Self.expectSame(first, second)
  }
}
