import Foundation
import Generation
import Model
import Testing

@Suite struct PenaltyTests {
  @Test(arguments: seeds)
  func `penalties follow their formula over the window`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let window = [1, 5, 64, -1][Int(seed % 4)]
    let options = SamplingOptions.only {
      $0.repetitionPenalty = 1.3
      $0.presencePenalty = 0.4
      $0.frequencyPenalty = 0.25
      $0.repetitionWindow = window
    }
    let contextLength = 30
    var step = Penalties(options, vocabularySize: 12, contextLength: contextLength)
    var context = context(capacity: step.historyLength)
    var tokens: [TokenID] = []
    var candidates = Candidates(vocabularySize: 12)
    for _ in 0..<100 {
      let logits = randomLogits(12, &generator)
      candidates.reset(to: logits.span)
      step.run(on: &candidates, in: &context)

      let recent = tokens.suffix(window < 0 ? contextLength : window)
      for (token, logit) in logits.enumerated() {
        let count = recent.count { $0 == TokenID(token) }
        var expected = logit
        if count > 0 {
          expected = logit > 0 ? logit / 1.3 : logit * 1.3
          expected -= Float(count) * 0.25 + 0.4
        }
        #expect(
          abs(candidates[token: TokenID(token)] - expected) < 1e-5, "seed \(seed), \(tokens)")
      }
      let token = TokenID.random(in: 0..<12, using: &generator)
      step.accept(token, after: context.history)
      context.history.append(token)
      tokens.append(token)
    }
  }

  @Test func `a logit bias is added, and minus infinity bans`() {
    let options = SamplingOptions.only { $0.logitBias = [1: 2.5, 3: -.infinity] }
    let kept = Survivors(of: [1, 1, 1, 1], after: LogitBias(options))
    #expect(kept.logits == [1, 3.5, 1, -.infinity])
  }

  /// By the definition, one token and one length after the other.
  private func dryPenalties(
    _ options: SamplingOptions, _ history: [TokenID], window: Int, breakers: Set<TokenID>
  ) -> [TokenID: Float] {
    let recent = Array(history.suffix(window))
    let end = recent.count
    let reach = end - (recent.lastIndex(where: breakers.contains).map { $0 + 1 } ?? 0)
    var longest: [TokenID: Int] = [:]
    for position in 1..<max(1, end) {
      for length in 0...min(position, reach)
      where recent[position - length..<position] == recent[end - length..<end] {
        longest[recent[position], default: 0] = max(longest[recent[position], default: 0], length)
      }
    }
    return longest.filter { $0.value >= options.dryAllowedLength && !breakers.contains($0.key) }
      .mapValues {
        options.dryMultiplier * pow(options.dryBase, Float($0 - options.dryAllowedLength))
      }
  }

  @Test(arguments: seeds)
  func `DRY penalises what its definition does`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let vocabularySize = [2, 3, 5, 30][Int(seed % 4)]
    let breakers: Set<TokenID> = seed % 2 == 0 ? [] : [TokenID(vocabularySize - 1)]
    let options = SamplingOptions.only {
      $0.dryMultiplier = 0.8
      $0.dryAllowedLength = 1 + Int(seed % 3)
      $0.dryPenaltyLastN = seed % 5 == 0 ? 20 : -1
    }
    var step = DRY(
      options, breakers: SequenceBreakers(breakers.map { [$0] }, vocabularySize: vocabularySize),
      vocabularySize: vocabularySize, contextLength: 60)
    var context = context(capacity: step.historyLength)
    var tokens: [TokenID] = []
    var candidates = Candidates(vocabularySize: vocabularySize)
    let logits = [Float](repeating: 0, count: vocabularySize)
    for _ in 0..<150 {
      candidates.reset(to: logits.span)
      step.run(on: &candidates, in: &context)
      let expected = dryPenalties(
        options, tokens, window: step.historyLength, breakers: breakers)
      for token in 0..<TokenID(vocabularySize) {
        let penalty = min(expected[token] ?? 0, 1e30)
        #expect(
          abs(candidates[token: token] + penalty) <= penalty * 1e-5, "seed \(seed), \(tokens)")
      }
      // Now and then a passage comes again.
      let repeats = tokens.count > 10 && generator.nextUnit() < 0.7
      let token =
        repeats
        ? tokens[tokens.count - 7]
        : TokenID.random(in: 0..<TokenID(vocabularySize), using: &generator)
      context.history.append(token)
      tokens.append(token)
    }
  }

  @Test func `an endless repetition stays a finite penalty`() {
    let options = SamplingOptions.only {
      $0.dryMultiplier = 5
      $0.dryBase = 8
    }
    let step = DRY(options, breakers: .none, vocabularySize: 2, contextLength: 500)
    let history = [TokenID](repeating: 1, count: 500)
    let kept = Survivors(of: [0, 0], after: step, in: context(history: history, capacity: 500))
    #expect(kept.logits[0] == 0)
    #expect(kept.logits[1].isFinite && kept.logits[1] < -1e29)
  }

  @Test func `a breaker of several tokens is found by its spelling`() {
    // Token t spells the letter at its index; token 5 spells two.
    let pieces = ["a", "b", "c", "-", ">", "a-", "x>y"].map { Array($0.utf8) }
    let breakers = SequenceBreakers(
      ["->"], vocabularySize: 7, piece: { pieces[Int($0)] },
      encode: { bytes in bytes.map { byte in TokenID(pieces.firstIndex(of: [byte])!) } })
    func distance(_ tokens: [TokenID]) -> Int {
      let recent = Array(tokens.reversed())
      return breakers.distance(in: recent.span)
    }
    #expect(distance([0, 1, 2]) == 3)
    #expect(distance([0, 3, 4, 1, 2]) == 2)  // a - > b c
    #expect(distance([5, 4, 2]) == 1)  // a- > c
    #expect(distance([0, 3, 1, 4]) == 4)  // a - b >
    #expect(distance([0, 3]) == 2)
    #expect(!breakers.isBreaker(3))
  }

  @Test func `a token that contains a breaker breaks alone`() {
    let pieces = ["a", "\n", "b\n", ".\n\n"].map { Array($0.utf8) }
    let breakers = SequenceBreakers(
      ["\n"], vocabularySize: 4, piece: { pieces[Int($0)] }, encode: { _ in [] })
    #expect((0..<4).map { breakers.isBreaker($0) } == [false, true, true, true])
  }
}
