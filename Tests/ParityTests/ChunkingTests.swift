import Cascade
import Model
import Testing

/// How a text is cut into steps must not show in the results, to the bit.
@Suite struct ChunkingTests {
  @Test(
    "chunks of any size give the same bits, for generated tokens and for prompts",
    arguments: ["llama-gqa", "qwen3", "llama-q"],
    [
      (Window.full, false), (.sliding(tokens: 40), false), (.full, true),
      (.sliding(tokens: 40), true),
    ])
  func chunks(name: String, setting: (window: Window, isPrompt: Bool)) throws {
    let golden = try GoldenModel(name)
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: golden.path), compute: compute)
    let tokens = golden.answers.promptTokens + golden.answers.greedyTokens
    func bits(_ chunk: Int) throws -> [[UInt32]] {
      let runner = try Runner(model, compute, window: setting.window, type: .f16, blockLength: 16)
      return runner.logits(tokens, chunk: chunk, isPrompt: setting.isPrompt).map {
        $0.map(\.bitPattern)
      }
    }
    let whole = try bits(512)
    for chunk in [1, 7, 64] { #expect(try bits(chunk) == whole, "chunks of \(chunk)") }
  }

  @Test("the number of threads and the instruction set do not change a bit")
  func threadsAndInstructionSets() throws {
    let golden = try GoldenModel("llama-q")
    let tokens = Array(golden.answers.promptTokens.prefix(40))
    var results: [[[UInt32]]] = []
    for (threads, set) in [
      (1, InstructionSet.best), (2, .best), (3, .best), (2, .avx2), (2, .scalar),
    ] where set.isAvailable {
      let compute = try Compute(threads: threads, instructionSet: set)
      let model = try LanguageModel(file: GGUFFile(path: golden.path), compute: compute)
      let runner = try Runner(model, compute, type: .f16)
      results.append(runner.logits(tokens, chunk: 16).map { $0.map(\.bitPattern) })
    }
    #expect(results.count >= 4)
    for other in results.dropFirst() { #expect(other == results[0]) }
  }

  @Test("rows of other sequences in the same step do not change a bit", arguments: [false, true])
  func neighbours(isPrompt: Bool) throws {
    let golden = try GoldenModel("llama-gqa")
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: golden.path), compute: compute)
    let mine = golden.answers.promptTokens
    let other = golden.answers.greedyTokens
    let alone = try Runner(model, compute).logits(mine, chunk: 512, isPrompt: isPrompt)

    let runner = try Runner(model, compute)
    var neighbour = WorkingMemory(window: .full, sinks: 0, blockLength: 64, capacity: 128)
    runner.step.clear()
    let hasRoom =
      runner.append(other, to: &neighbour, logits: 1)
      && runner.append(mine, to: &runner.memory, logits: mine.count, isPrompt: isPrompt)
    #expect(hasRoom)
    runner.pass.run()
    for row in mine.indices { #expect(runner.logits(row: row + 1) == alone[row]) }
  }

  @Test("16-bit keys and values stay close to 32-bit ones")
  func keyValueTypes() throws {
    let golden = try GoldenModel("llama-gqa")
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: golden.path), compute: compute)
    let exact = try Runner(model, compute, type: .f32).logits(
      golden.answers.promptTokens, chunk: 512)
    let halves = try Runner(model, compute, type: .f16).logits(
      golden.answers.promptTokens, chunk: 512)
    for (a, b) in zip(exact, halves) {
      for (x, y) in zip(a, b) { #expect(abs(x - y) < 2e-2) }
    }
  }
}
