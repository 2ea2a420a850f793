import Foundation
import Generation
import Model
import Testing

@Suite("The likeliest tokens")
struct LikeliestTests {
  /// Sorted as a whole, with probabilities from a sum in double precision.
  private func expected(_ logits: [Float], _ count: Int) -> [LikelyToken] {
    let finite = logits.map { $0.isNaN ? -.infinity : $0 }
    let largest = finite.max()!
    let total = finite.reduce(0.0) { $0 + exp(Double($1 - largest)) }
    return finite.indices.filter { finite[$0] > -.infinity }
      .sorted { (finite[$1], $0) < (finite[$0], $1) }.prefix(count)
      .map {
        LikelyToken(
          token: TokenID($0), logProbability: Double(finite[$0] - largest) - log(total))
      }
  }

  @Test("They are those of a sort, in its order", arguments: 0..<60 as Range<UInt64>)
  func sorted(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let count = Int.random(in: 1...400, using: &random)
    // Few values, so that there are equals.
    let logits = (0..<count).map { _ -> Float in
      switch Int.random(in: 0..<12, using: &random) {
      case 0: -.infinity
      case 1: .nan
      default: Float(Int.random(in: -20...20, using: &random)) / 4
      }
    }
    guard logits.contains(where: { $0 > -.infinity }) else { return }
    let wanted = Int.random(in: 1...32, using: &random)
    let found = likeliestTokens(in: logits.span, count: wanted)
    let expected = expected(logits, wanted)
    #expect(found.map(\.token) == expected.map(\.token), "seed \(seed)")
    for (a, b) in zip(found, expected) {
      #expect(abs(a.logProbability - b.logProbability) < 1e-6, "seed \(seed)")
    }
  }

  @Test("Where nothing is possible it is token 0, as greedy decoding's is")
  func nothing() {
    let none = likeliestTokens(in: [Float.nan, -.infinity].span, count: 4)
    #expect(none == [LikelyToken(token: 0, logProbability: -.infinity)])
  }

  @Test(
    "The first of them is the token that a greedy sampler chooses, whatever the penalties",
    arguments: 0..<40 as Range<UInt64>)
  func greedy(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var options = SamplingOptions.greedy
    if Bool.random(using: &random) { options.repetitionPenalty = 1.5 }
    if Bool.random(using: &random) { options.frequencyPenalty = 0.5 }
    if Bool.random(using: &random) { options.dryMultiplier = 0.8 }
    if Bool.random(using: &random) { options.logitBias = [3: -.infinity, 5: 2] }
    var sampler = Sampler(options: options, vocabularySize: 20, contextLength: 100, seed: 1)
    for _ in 0..<60 {
      let logits = (0..<20).map { _ in Float.random(in: -3...3, using: &random) }
      let likeliest = sampler.likeliest(4, of: logits.span)
      let token = sampler.sample(logits.span)
      #expect(likeliest.first?.token == token && likeliest.count == 4)
      sampler.accept(token)
    }
  }
}
