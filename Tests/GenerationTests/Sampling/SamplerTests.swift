import Foundation
import Generation
import Model
import Testing

private func makeSampler(
  _ options: SamplingOptions, vocabularySize: Int, seed: UInt64 = 7
) -> Sampler {
  Sampler(options: options, vocabularySize: vocabularySize, contextLength: 128, seed: seed)
}

@Suite struct SamplerTests {
  /// Draws many times and compares the counts with what is expected, by chi-square.
  private func expectDraws(
    _ options: SamplingOptions, of logits: [Float], follow expected: [Double],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var sampler = makeSampler(options, vocabularySize: logits.count, seed: 2024)
    let draws = 40_000
    var counts = [Int](repeating: 0, count: logits.count)
    for _ in 0..<draws { counts[Int(sampler.sample(logits.span))] += 1 }
    var statistic = 0.0
    for (count, chance) in zip(counts, expected) where chance > 0 {
      let mean = chance * Double(draws)
      statistic += (Double(count) - mean) * (Double(count) - mean) / mean
    }
    for (count, chance) in zip(counts, expected) where chance == 0 {
      #expect(count == 0, sourceLocation: sourceLocation)
    }
    // Chi-square: as many degrees of freedom as its mean, twice that its variance.
    let freedom = Double(expected.count { $0 > 0 } - 1)
    #expect(
      statistic < freedom + 5 * (2 * freedom).squareRoot() + 5, "\(counts)",
      sourceLocation: sourceLocation)
  }

  private let logits: [Float] = [0.1, 2, -1, 1.5, 0, -0.3, 2.5, 1]

  @Test func `draws without any step follow softmax`() {
    expectDraws(.unmodified, of: logits, follow: probabilities(logits))
  }

  @Test func `draws at a temperature follow its softmax`() {
    let options = SamplingOptions.only { $0.temperature = 0.5 }
    expectDraws(options, of: logits, follow: probabilities(logits.map { $0 * 2 }))
  }

  @Test func `draws from the top k follow the softmax of those`() {
    let options = SamplingOptions.only { $0.topK = 3 }
    let top = Set(ranked(logits).prefix(3))
    let kept = logits.indices.map { top.contains(TokenID($0)) ? logits[$0] : -.infinity }
    expectDraws(options, of: logits, follow: probabilities(kept))
  }

  @Test func `truncation comes before temperature`() {
    // The first has 88%: alone it reaches top-p, however hot the draw.
    let logits: [Float] = [4, 1, 1, 1]
    var options = SamplingOptions.only {
      $0.topP = 0.8
      $0.temperature = 100
    }
    expectDraws(options, of: logits, follow: [1, 0, 0, 0])
    options.topP = 1
    options.minP = 0.5
    expectDraws(options, of: logits, follow: [1, 0, 0, 0])
  }

  @Test(arguments: seeds)
  func `greedy and nearly greedy choose the largest logit`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for count in [1, 2, 17, 1000] {
      let logits = randomLogits(count, &generator)
      let expected = ranked(logits)[0]
      var greedy = makeSampler(.greedy, vocabularySize: count)
      #expect(greedy.sample(logits.span) == expected, "seed \(seed)")
      var cold = makeSampler(.only { $0.temperature = 1e-6 }, vocabularySize: count)
      #expect(cold.sample(logits.span) == expected, "seed \(seed)")
    }
  }

  @Test func `greedy takes the lowest of equal logits`() {
    let logits: [Float] = [1, 3, 3, 3]
    var greedy = makeSampler(.greedy, vocabularySize: 4)
    #expect(greedy.sample(logits.span) == 1)
    var penalised = makeSampler(
      .only { ($0.temperature, $0.logitBias) = (0, [0: -1]) }, vocabularySize: 4)
    #expect(penalised.sample(logits.span) == 1)
  }

  @Test func `greedy obeys bias and penalties and skips the rest`() {
    let logits: [Float] = [5, 4.9, 4.8, 0]
    let options = SamplingOptions.only {
      $0.temperature = 0
      $0.logitBias = [0: -.infinity]
      $0.presencePenalty = 1
      $0.xtcProbability = 1
      $0.typicalP = 0.01
    }
    var sampler = makeSampler(options, vocabularySize: 4)
    #expect(sampler.sample(logits.span) == 1)
    sampler.accept(1)
    #expect(sampler.sample(logits.span) == 2)
  }

  @Test(arguments: [
    SamplingOptions(), .unmodified,
    .only { ($0.xtcProbability, $0.dryMultiplier, $0.repetitionPenalty) = (0.5, 0.8, 1.1) },
  ])
  func `a seed repeats a sequence, and another gives another`(options: SamplingOptions) {
    func sequence(seed: UInt64) -> [TokenID] {
      var generator = SeededGenerator(seed: 99)
      var sampler = makeSampler(options, vocabularySize: 500, seed: seed)
      return (0..<100).map { _ in
        let token = sampler.sample(randomLogits(500, &generator).span)
        sampler.accept(token)
        return token
      }
    }
    #expect(sequence(seed: 1) == sequence(seed: 1))
    #expect(sequence(seed: 1) != sequence(seed: 2))
  }

  @Test func `a saved state goes on as if never interrupted`() throws {
    let options = SamplingOptions.only {
      $0.repetitionPenalty = 1.5
      $0.frequencyPenalty = 2
      $0.dryMultiplier = 1
      $0.xtcProbability = 0.5
    }
    var generator = SeededGenerator(seed: 3)
    var sampler = makeSampler(options, vocabularySize: 40)
    for _ in 0..<200 { sampler.accept(.random(in: 0..<40, using: &generator)) }
    for _ in 0..<10 { sampler.accept(sampler.sample(randomLogits(40, &generator).span)) }

    let saved = try JSONEncoder().encode(sampler.state)
    var restored = makeSampler(options, vocabularySize: 40, seed: 12345)
    restored.accept(11)  // what was before must not matter
    restored.state = try JSONDecoder().decode(Sampler.State.self, from: saved)
    #expect(restored.state == sampler.state)
    for _ in 0..<200 {
      let logits = randomLogits(40, &generator)
      let token = sampler.sample(logits.span)
      #expect(restored.sample(logits.span) == token)
      sampler.accept(token)
      restored.accept(token)
    }
  }

  @Test func `a copy is independent`() {
    var sampler = makeSampler(.unmodified, vocabularySize: 8)
    var copy = sampler
    let first = (0..<20).map { _ in sampler.sample(logits.span) }
    let second = (0..<20).map { _ in copy.sample(logits.span) }
    #expect(first == second)
  }

  @Test(arguments: [SamplingOptions.greedy, .unmodified, SamplingOptions()])
  func `NaN and infinite logits neither crash nor win`(options: SamplingOptions) {
    var sampler = makeSampler(options, vocabularySize: 3)
    for _ in 0..<50 {
      #expect(sampler.sample([.nan, 1, -.infinity].span) == 1)
      #expect(sampler.sample([1, .infinity, 1].span) == 1)
      #expect(sampler.sample([.nan, .nan, .nan].span) == 0)
      #expect(sampler.sample([-.infinity, -.infinity, .nan].span) == 0)
    }
  }

  @Test func `every step survives a vocabulary that is all banned`() {
    let options = SamplingOptions(
      temperature: 0.5, topK: 2, topP: 0.5, minP: 0.1, typicalP: 0.5, topNSigma: 1,
      xtcProbability: 1, repetitionPenalty: 1.2, presencePenalty: 1, dryMultiplier: 1,
      logitBias: [0: -.infinity, 1: -.infinity, 2: -.infinity])
    var sampler = makeSampler(options, vocabularySize: 3)
    for _ in 0..<10 {
      #expect(sampler.sample([1, 2, 3].span) == 0)
      sampler.accept(0)
    }
  }

  @Test(arguments: seeds)
  func `what the whole chain draws is a token that it left`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var options = SamplingOptions(repetitionPenalty: 1.1, logitBias: [2: -.infinity])
    options.topNSigma = seed % 2 == 0 ? 2 : -1
    options.typicalP = seed % 3 == 0 ? 0.9 : 1
    options.topK = seed % 4 == 0 ? 0 : 40
    var sampler = makeSampler(options, vocabularySize: 300, seed: seed)
    for _ in 0..<60 {
      let logits = randomLogits(300, &generator)
      let token = sampler.sample(logits.span)
      #expect(token != 2, "seed \(seed)")
      // Min-p at 0.05, before temperature and with a penalty of at most 1.1.
      #expect(logits[Int(token)] * 1.1 + 1 >= logits.max()! / 1.1 + log(0.05), "seed \(seed)")
      sampler.accept(token)
    }
  }
}

@Suite struct TokenLogprobsTests {
  @Test(arguments: seeds)
  func `logprobs are the log of softmax, likeliest first`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for count in [1, 5, 200] {
      let logits = seed % 2 == 0 ? randomLogits(count, &generator) : coarseLogits(count, &generator)
      guard logits.contains(where: { $0 > -.infinity }) else { continue }
      let expected = probabilities(logits).map(log)
      let chosen = TokenID.random(in: 0..<TokenID(count), using: &generator)
      for top in [0, 1, 3, count, count + 5] {
        let result = TokenLogprobs(logits: logits.span, chosen: chosen, top: top)
        #expect(result.chosen.token == chosen)
        #expect(result.top.map(\.token) == Array(ranked(logits).prefix(top)), "seed \(seed)")
        for entry in result.top + [result.chosen] {
          let logprob = expected[Int(entry.token)]
          #expect(
            Double(entry.logprob) == logprob || abs(Double(entry.logprob) - logprob) < 1e-4,
            "seed \(seed)")
        }
      }
    }
  }

  @Test func `logprobs of broken logits are minus infinity, not NaN`() {
    let broken = TokenLogprobs(logits: [.nan, -.infinity].span, chosen: 0, top: 2)
    #expect((broken.top + [broken.chosen]).allSatisfy { $0.logprob == -.infinity })
    let partly = TokenLogprobs(logits: [.nan, 2, .infinity].span, chosen: 0, top: 2)
    #expect(partly.top.map(\.token) == [2, 1])
    #expect(partly.top[0].logprob == 0)
    #expect(partly.chosen.logprob == -.infinity)
  }
}
