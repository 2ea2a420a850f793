import Generation
import Model
import Testing

@Suite struct PaceTests {
  /// Tokens of a greedy reply, with `adjust` called before each.
  private func tokens(_ adjust: (Pace, _ index: Int) -> Void) throws -> [TokenID] {
    let options = EngineOptions(threads: 3)
    let file = try GGUFFile(path: EmbeddedModel.path)
    let compute = try Compute(threads: 3)
    let tokenizer = try Tokenizer(metadata: file.metadata)
    let pace = Pace(threads: 3)
    let stepper = try Stepper(
      model: LanguageModel(file: file, compute: compute), tokenizer: tokenizer, compute: compute,
      options: options, pace: pace)
    var request = GenerationOptions(maxTokens: 60, ignoresEndTokens: true)
    request.sampling.temperature = 0
    let reply = Reply(prompt: tokenizer.encode("Once upon a time"), options: request, seed: 1)
    defer { stepper.end(reply) }
    var tokens: [TokenID] = []
    adjust(pace, 0)
    while case .token(let token)? = try stepper.next(Turn(reply, rows: 512)) {
      tokens.append(token.id)
      adjust(pace, tokens.count)
    }
    return tokens
  }

  @Test("threads and pauses that change while a reply is made change no token")
  func sameTokens() throws {
    let steady = try tokens { _, _ in }
    let governed = try tokens { pace, index in
      pace.set(threads: 1 + index % 3, pause: index % 5 == 0 ? 0.5 : 0)
    }
    #expect(steady.count == 60)
    #expect(governed == steady)
  }

  @Test("a reply's summary tells how the machine fared")
  func conditions() async throws {
    let engine = try Engine(
      path: EmbeddedModel.path,
      options: EngineOptions(threads: 1, thermal: ThermalOptions(mode: .performance)))
    let stream = try engine.stream(
      .text("Once upon a time"), options: GenerationOptions(maxTokens: 20, ignoresEndTokens: true))
    for try await event in stream {
      guard case .finished(let summary) = event else { continue }
      let conditions = try #require(summary.conditions)
      #expect(conditions.mode == .performance)
      // The first token comes with the prompt.
      #expect(conditions.phases.map(\.tokens).reduce(0, +) == 19)
      #expect(conditions.phases.first?.state == .full)
    }
    #expect(engine.batchWidth >= 1)
  }
}
