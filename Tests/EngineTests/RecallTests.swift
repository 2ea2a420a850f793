import Foundation
import Generation
import Testing

@Suite struct RecallTests {
  /// A conversation of about `turns` * 30 tokens whose first turn tells a code.
  private func conversation(turns: Int = 30) -> [ChatMessage] {
    let animals = ["fox", "hen", "bear", "duck", "goat", "mouse", "owl", "frog"]
    let places = ["forest", "lake", "barn", "hill", "garden", "river", "tower"]
    var messages: [ChatMessage] = [
      .user("The code of the attic is 52718."), .assistant("I'll not forget that."),
    ]
    for turn in 0..<turns {
      let animal = animals[turn % animals.count]
      messages.append(.user("Tell me about a \(animal) and a \(places[turn % places.count])."))
      messages.append(
        .assistant("One day the \(animal) went to the \(places[turn % places.count]) and sang."))
    }
    return messages
  }

  private let question = ChatMessage.user("What is the code of the attic?")

  private func options(
    _ scope: MemoryScope = .session, namespace: String = "default", session: String? = nil
  ) -> GenerationOptions {
    GenerationOptions(
      maxTokens: 24, sampling: .greedy, seed: 1, logprobs: 1,
      memory: MemoryOptions(scope: scope, namespace: namespace, session: session, explains: true))
  }

  private let small = EngineOptions(window: .sliding(tokens: 128))

  /// What two replies have to agree in: every token and the bits of its score.
  private func bits(_ reply: WholeReply) -> [UInt64] {
    reply.tokens.map { UInt64($0.id) << 32 | UInt64($0.logprobs!.chosen.logprob.bitPattern) }
  }

  private func withFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spark-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
  }

  @Test("what has left the window comes back, and the account tells from where")
  func recalls() async throws {
    let engine = try EmbeddedModel.engine(small)
    let prompt = Prompt.chat(conversation() + [question])
    let without = try await WholeReply(engine.stream(prompt, options: options(.none)))
    #expect(!without.text.contains("52718"))
    #expect(without.summary?.memory.recalled == 0)

    let with = try await WholeReply(engine.stream(prompt, options: options()))
    #expect(with.text.contains("52718"))
    let account = try #require(with.summary).memory
    #expect(account.recalled > 0 && account.recalledFromPast == 0 && account.dropped == 0)
    let told = account.passages.map {
      String(decoding: engine.tokenizer.decode($0.tokens), as: UTF8.self)
    }
    #expect(told.contains { $0.contains("52718") })
  }

  @Test("a window that holds the whole text gives the bits of full attention")
  func wideWindow() async throws {
    let prompt = Prompt.chat(conversation(turns: 6) + [question])
    let full = try EmbeddedModel.engine()
    let wide = try EmbeddedModel.engine(EngineOptions(window: .sliding(tokens: 400)))
    let expected = try await WholeReply(full.stream(prompt, options: options(.none)))
    let reply = try await WholeReply(wide.stream(prompt, options: options()))
    #expect(bits(reply) == bits(expected))
    #expect(reply.summary?.memory.recalled == 0)
  }

  @Test("what is recalled does not depend on how the prompt was cut", arguments: [7, 64, 300])
  func chunks(chunk: Int) async throws {
    let prompt = Prompt.chat(conversation() + [question])
    var cut = small
    cut.prefillChunk = chunk
    let expected = try await WholeReply(
      EmbeddedModel.engine(small).stream(prompt, options: options()))
    let reply = try await WholeReply(EmbeddedModel.engine(cut).stream(prompt, options: options()))
    #expect(bits(reply) == bits(expected))
    #expect(reply.summary?.memory.recalled == expected.summary?.memory.recalled)
  }

  @Test("a prompt whose beginning was read before goes on as if it were read anew")
  func restored() async throws {
    try await withFolder { folder in
      let prompt = Prompt.chat(conversation() + [question])
      var kept = small
      kept.store = folder
      let engine = try EmbeddedModel.engine(kept)
      let first = try await WholeReply(engine.stream(prompt, options: options()))
      #expect(first.summary?.memory.cached == 0)

      for next in [engine, try EmbeddedModel.engine(kept)] {
        let again = try await WholeReply(next.stream(prompt, options: options()))
        let summary = try #require(again.summary)
        #expect(summary.memory.cached > summary.promptTokens - 2 * 64)
        #expect(bits(again) == bits(first))
      }
    }
  }

  @Test("another session of the namespace knows, another namespace does not")
  func namespaces() async throws {
    try await withFolder { folder in
      var kept = small
      kept.store = folder
      do {
        let engine = try EmbeddedModel.engine(kept)
        var told = options(namespace: "mine", session: "first")
        told.maxTokens = 0
        let prompt = Prompt.chat(conversation(turns: 2))
        _ = try await WholeReply(engine.stream(prompt, options: told))
      }
      let engine = try EmbeddedModel.engine(kept)
      let prompt = Prompt.chat([question])
      let plain = try await WholeReply(engine.stream(prompt, options: options(.none)))
      let mine = try await WholeReply(
        engine.stream(prompt, options: options(.namespace, namespace: "mine")))
      #expect(mine.text.contains("52718"))
      let passages = try #require(mine.summary).memory.passages
      #expect(passages.contains { $0.isPast && $0.session == "first" })

      let strange = try await WholeReply(
        engine.stream(prompt, options: options(.namespace, namespace: "theirs")))
      #expect(bits(strange) == bits(plain))
      let alone = try await WholeReply(
        engine.stream(prompt, options: options(.session, namespace: "mine")))
      #expect(bits(alone) == bits(plain))
    }
  }

  @Test(
    "blocks beside those that the words lead to come too, and all from the question's first words on"
  )
  func neighbours() async throws {
    let engine = try EmbeddedModel.engine(small)
    var told = options(session: "first")
    told.maxTokens = 0
    // The code stands some blocks before the end, and after the beginning.
    let long =
      conversation(turns: 4) + [
        .user("The code of the attic is 52718."), .assistant("I'll not forget that."),
      ] + conversation(turns: 4).dropFirst(2)
    _ = try await WholeReply(engine.stream(.chat(Array(long.dropFirst(2))), options: told))

    // What tells comes last.
    let asking = ChatMessage.user(
      "Now then, I hope you can help me with this one: what is the code of the attic?")
    let prompt = Prompt.chat([asking])
    let reply = try await WholeReply(engine.stream(prompt, options: options(.namespace)))
    let passages = try #require(reply.summary).memory.passages.filter(\.isPast)
    let best = try #require(passages.max { ($0.weight ?? 0) < ($1.weight ?? 0) })
    #expect(String(decoding: engine.tokenizer.decode(best.tokens), as: UTF8.self).contains("attic"))
    let blocks = Set(passages.map(\.block))
    #expect(best.block > 0 && blocks.contains(best.block - 1) && blocks.contains(best.block + 1))
    #expect(passages.contains { $0.weight == nil }, "neighbours share nothing themselves")

    // At each choice after the sinks, in every layer.
    let read = try engine.tokens(of: prompt).count + reply.tokens.count - 1
    let every = small.recall.every
    #expect(best.choices == engine.model.layers * ((read - 1) / every))
  }

  @Test("the end of a session as it was before it went on is not recalled beside what it became")
  func outgrown() async throws {
    let engine = try EmbeddedModel.engine(small)
    var messages: [ChatMessage] = []
    for text in ["The code of the attic is 52718.", "I like the attic.", "What is in an attic?"] {
      messages.append(.user(text))
      let reply = try await WholeReply(
        engine.stream(.chat(messages), options: options(.namespace, session: "first")))
      messages.append(.assistant(reply.text))
    }
    let reply = try await WholeReply(
      engine.stream(.chat([question]), options: options(.namespace)))
    let passages = try #require(reply.summary).memory.passages.filter(\.isPast)
    #expect(passages.contains { $0.block == 0 })
    #expect(Set(passages.map(\.block)).count == passages.count)
    #expect(reply.text.contains("52718"))
  }

  @Test("what took part in a block is a matter of the block, however the prompt was cut")
  func identities() async throws {
    var ids: [Set<String>] = []
    for chunk in [64, 512] {
      var cut = small
      cut.prefillChunk = chunk
      let engine = try EmbeddedModel.engine(cut)
      var told = options(session: "first")
      told.maxTokens = 0
      _ = try await WholeReply(engine.stream(.chat(conversation(turns: 0)), options: told))
      // Several blocks in one chunk, of which the other session takes part in the last alone.
      let prompt = Prompt.chat(Array(conversation(turns: 9).dropFirst(2)) + [question])
      var asking = options(.namespace, session: "second")
      asking.maxTokens = 0
      let reply = try await WholeReply(engine.stream(prompt, options: asking))
      #expect(try #require(reply.summary).memory.recalledFromPast > 0)
      let found = await engine.memory.search("forest lake garden", in: "default", limit: 100)
      ids.append(Set(found.filter { $0.passage.session == "second" }.map(\.passage.id)))
    }
    #expect(ids[0].count > 2)
    #expect(ids[0] == ids[1])
  }

  @Test("words that have nothing in common with the past bring nothing back")
  func gate() async throws {
    let engine = try EmbeddedModel.engine(small)
    var told = options(session: "first")
    told.maxTokens = 0
    _ = try await WholeReply(engine.stream(.chat(conversation(turns: 0)), options: told))
    let prompt = Prompt.chat([.user("Why do birds sing so early?")])
    let plain = try await WholeReply(engine.stream(prompt, options: options(.none)))
    let reply = try await WholeReply(engine.stream(prompt, options: options(.namespace)))
    #expect(reply.summary?.memory.recalledFromPast == 0)
    #expect(bits(reply) == bits(plain))
  }

  @Test("wrong recall options are refused by name")
  func refused() {
    var options = small
    options.recall.every = 7
    #expect(throws: EngineError.self) { try EmbeddedModel.engine(options) }
    options = small
    options.blockLength = 20
    #expect(throws: EngineError.self) { try EmbeddedModel.engine(options) }
  }
}
