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
}
