import Cascade
import Model
import Testing

@Suite struct GoldenLogitsTests {
  @Test(
    "logits at every position and 64 greedy tokens equal llama.cpp's", arguments: GoldenModel.names)
  func golden(name: String) throws {
    let golden = try GoldenModel(name)
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: golden.path), compute: compute)
    let runner = try Runner(model, compute)

    let prompt = runner.logits(golden.answers.promptTokens, chunk: 512)
    #expect(prompt.count == golden.promptLogits.count && golden.greedyLogits.count == 8)
    var worst: Float = 0
    for (row, stored) in zip(prompt, golden.promptLogits) {
      worst = max(worst, GoldenModel.worstDifference(row, stored))
    }
    var greedy: [TokenID] = []
    var last = prompt.last!
    for index in 0..<golden.answers.greedyTokens.count {
      let token = TokenID(last.indices.max { last[$0] < last[$1] }!)
      greedy.append(token)
      last = runner.logits([token], chunk: 1)[0]
      if index % 8 == 0 {
        worst = max(worst, GoldenModel.worstDifference(last, golden.greedyLogits[index / 8]))
      }
    }
    print("\(name): largest difference of logits \(worst)")
    #expect(worst < 1e-3)
    #expect(greedy == golden.answers.greedyTokens)
  }

  @Test(
    "read as a prompt, a text has the logits that it has when it is generated, but for rounding",
    arguments: GoldenModel.names)
  func promptArithmetic(name: String) throws {
    let golden = try GoldenModel(name)
    let compute = try Compute(threads: 2)
    let model = try LanguageModel(file: GGUFFile(path: golden.path), compute: compute)
    let tokens = golden.answers.promptTokens
    let generated = try Runner(model, compute).logits(tokens, chunk: 512)
    let read = try Runner(model, compute).logits(tokens, chunk: 512, isPrompt: true)
    var (difference, size) = (0.0, 0.0)
    for (a, b) in zip(generated, read) {
      for (x, y) in zip(a, b) {
        difference += Double((x - y) * (x - y))
        size += Double(x * x)
      }
    }
    let ratio = (difference / size).squareRoot()
    print("\(name): a prompt's logits differ by \(ratio) of their size")
    // Eight bits of mantissa, and a few layers.
    #expect(ratio < 0.05)
    #expect((ratio > 0) == ForwardPass.hasTiles(compute, model.shape))
  }
}
